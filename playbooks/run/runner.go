package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"
)

// Runner starts children, a few at a time. Make it with New.
type Runner struct {
	mu    sync.Mutex
	cfg   Config
	calls map[string]*call // by Request.Run: under way, or ended a short while ago
	order []string         // of calls that ended, oldest first
	slots chan struct{}
}

// call is one performance that others may wait for.
type call struct {
	done   chan struct{}
	result Result
	err    error
}

// remembered is how many ended performances are kept, so that a repeated request gets its first answer.
const remembered = 64

// New makes a Runner.
func New(cfg Config) *Runner {
	n := cfg.Parallel
	if n <= 0 {
		n = DefaultParallel
	}
	return &Runner{cfg: cfg, calls: map[string]*call{}, slots: make(chan struct{}, n)}
}

// Configure takes a new configuration for what starts from now on. Parallel stays as it was.
func (r *Runner) Configure(cfg Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg = cfg
}

// Config is the configuration that the next performance uses.
func (r *Runner) Config() Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg
}

// Do performs a request and waits for its end. Cancelling ctx ends the child and everything it does; the Result then
// says Cancelled. What a step does wrong is in the Result; the error is for what keeps it from being performed at all
// (no child could be started), and says so in a sentence. An error is not remembered: the request may be repeated.
func (r *Runner) Do(ctx context.Context, req Request) (Result, error) {
	if req.Run == "" {
		return Result{}, errors.New("the step has no name to be performed under (Request.Run)")
	}
	r.mu.Lock()
	if c := r.calls[req.Run]; c != nil {
		r.mu.Unlock()
		select {
		case <-c.done:
			return c.result, c.err
		case <-ctx.Done():
			return Result{}, fmt.Errorf("wait for step %s: %w", req.Run, context.Cause(ctx))
		}
	}
	c := &call{done: make(chan struct{})}
	r.calls[req.Run] = c
	cfg := r.cfg
	r.mu.Unlock()

	c.result, c.err = r.perform(ctx, cfg, req)

	r.mu.Lock()
	defer r.mu.Unlock()
	close(c.done)
	if c.err != nil {
		delete(r.calls, req.Run)
		return c.result, c.err
	}
	r.order = append(r.order, req.Run)
	for len(r.order) > remembered {
		delete(r.calls, r.order[0])
		r.order = r.order[1:]
	}
	return c.result, nil
}

func (r *Runner) perform(ctx context.Context, cfg Config, req Request) (Result, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for other steps to end: %w", context.Cause(ctx))
	}
	req.Limits = req.Limits.or(cfg.Limits).or(Limits{
		Deadline: DefaultDeadline, MaxOutput: DefaultMaxOutput, MaxMemory: DefaultMaxMemory, MaxRows: DefaultMaxRows,
	})
	order, err := json.Marshal(order{Request: req, Reach: cfg.reach(req)})
	if err != nil {
		return Result{}, fmt.Errorf("tell the step to its child: %w", err)
	}
	start := time.Now()
	c, err := startChild(cfg.Executable, req.Limits, order)
	if err != nil {
		return Result{}, fmt.Errorf("start the step's child: %w", err)
	}
	res := c.follow(ctx, req)
	res.Took = time.Since(start)
	return res, nil
}

func (l Limits) or(def Limits) Limits {
	if l.Deadline <= 0 {
		l.Deadline = def.Deadline
	}
	if l.MaxOutput <= 0 {
		l.MaxOutput = def.MaxOutput
	}
	if l.MaxMemory <= 0 {
		l.MaxMemory = def.MaxMemory
	}
	if l.MaxRows <= 0 {
		l.MaxRows = def.MaxRows
	}
	return l
}

// order is what the child is told, as one JSON value on its standard input.
type order struct {
	Request Request
	Reach   reach
}

// reach is the part of the configuration that this step needs, and nothing else.
type reach struct {
	Cluster     Cluster
	ExecAllow   []string
	CurlAllow   []string
	DataSources map[string]string
	Prometheus  Endpoint
	Loki        Endpoint
}

func (c Config) reach(req Request) reach {
	var out reach
	changing := c.Changing
	if changing.none() {
		changing = c.Reading
	}
	switch {
	case req.Mode == Check:
	case (req.Mode == Undo || req.Mode == Preview && req.Undo != nil) && req.Kind != SQL:
		out.Cluster = changing
	case req.Kind == Bash:
		out.Cluster = c.Reading
		if req.Mode != Read {
			out.Cluster = changing
		}
		out.ExecAllow, out.CurlAllow = c.ExecAllow, c.CurlAllow
	case req.Kind == SQL:
		if url, ok := c.DataSources[req.source()]; ok {
			out.DataSources = map[string]string{req.source(): url}
		}
	case req.Kind == PromQL:
		out.Prometheus = c.Prometheus
	case req.Kind == LogQL:
		out.Loki = c.Loki
	}
	if req.Post != nil {
		switch req.Post.Kind {
		case PromQL:
			out.Prometheus = c.Prometheus
		case LogQL:
			out.Loki = c.Loki
		case SQL:
			out.DataSources = maps.Clone(c.DataSources)
		case Bash:
			if out.Cluster.none() {
				out.Cluster = c.Reading
			}
			out.CurlAllow = c.CurlAllow
		}
	}
	return out
}

func (r Request) source() string {
	if r.DataSource == "" {
		return "main"
	}
	return r.DataSource
}
