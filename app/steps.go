package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/outbox"
	"muster/playbooks/evidence"
	"muster/playbooks/run"
)

// stepRunner performs one step. *run.Runner is one.
type stepRunner interface {
	Do(ctx context.Context, req run.Request) (run.Result, error)
}

// steps are the steps of playbooks that this process performs.
type steps struct {
	live     *config.Live
	env      config.Env
	runner   stepRunner
	evidence *evidence.Store // nil: nothing is kept
	log      *slog.Logger

	mu    sync.Mutex
	jobs  map[string]*job // by delivery
	shown time.Time       // when a step's progress is shown, the latest of all
	all   sync.WaitGroup
	work  context.Context
	stop  context.CancelCauseFunc
}

// job is one performance.
type job struct {
	stream string
	n      int
	cancel context.CancelCauseFunc
	done   chan struct{}
	// in is what came of it, once done is closed.
	in incident.Intent
}

var (
	errCancelled = errors.New("somebody cancelled it")
	errStopping  = errors.New("Muster was stopped while it ran")
)

func newSteps(opt Options) *steps {
	s := &steps{live: opt.Live, env: opt.Env, runner: opt.Steps, evidence: opt.Evidence, log: opt.Log, jobs: map[string]*job{}}
	if s.runner == nil {
		s.runner = run.New(run.Config{})
	}
	s.work, s.stop = context.WithCancelCause(context.Background())
	return s
}

// do performs a request with what is configured now: a cluster's tokens are
// renewed on disk.
func (s *steps) do(ctx context.Context, req run.Request) (run.Result, error) {
	if r, ours := s.runner.(*run.Runner); ours {
		cfg, err := s.config()
		if err != nil {
			return run.Result{}, err
		}
		r.Configure(cfg)
	}
	return s.runner.Do(ctx, req)
}

func (s *steps) config() (run.Config, error) {
	cfg := s.live.Get()
	cluster, err := run.LoadCluster(s.env.Kubeconfig)
	if err != nil {
		return run.Config{}, err
	}
	out := run.Config{
		Reading: cluster, Changing: cluster, ExecAllow: cfg.Playbooks.ExecAllow, CurlAllow: cfg.Playbooks.CurlAllow, DataSources: map[string]string{},
		Prometheus: run.Endpoint{URL: s.env.PrometheusURL}, Loki: run.Endpoint{URL: s.env.LokiURL},
	}
	out.Reading.As, out.Changing.As = cfg.Playbooks.ReadAs, cfg.Playbooks.ChangeAs
	for name, url := range cfg.DataSources {
		out.DataSources[name] = url.Reveal()
	}
	return out, nil
}

// hasCluster tells whether there is a way into Kubernetes.
func (s *steps) hasCluster() bool {
	if _, ours := s.runner.(*run.Runner); !ours {
		return true
	}
	c, err := run.LoadCluster(s.env.Kubeconfig)
	return err != nil || len(c.Kubeconfig) > 0 // what is wrong with it is said when a step runs
}

// read gives what a step left in the evidence.
func (s *steps) read(ctx context.Context, incident, ref string) ([]byte, error) {
	if s.evidence == nil {
		return nil, errors.New("the evidence is not kept")
	}
	return s.evidence.Get(ctx, incident, ref)
}

// begin starts a performance, once for a delivery.
func (s *steps) begin(key, stream string, n int, work func(context.Context) incident.Intent) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[key]; j != nil {
		return j
	}
	j := &job{stream: stream, n: n, done: make(chan struct{})}
	var ctx context.Context
	ctx, j.cancel = context.WithCancelCause(s.work)
	s.jobs[key] = j
	s.all.Go(func() {
		defer close(j.done)
		defer j.cancel(nil)
		defer func() {
			if p := recover(); p != nil {
				s.log.Error("a step failed badly", "incident", stream, "run", n, "panic", fmt.Sprintf("%T", p))
				j.in = incident.EndStep{N: n, Outcome: incident.Outcome{End: incident.EndDied, Why: "Muster made a mistake; nobody knows how far the step came."}}
			}
		}()
		j.in = work(ctx)
		if end, ok := j.in.(incident.EndStep); ok && end.Outcome.End == incident.EndCancelled && errors.Is(context.Cause(ctx), errStopping) {
			end.Outcome.Why = "Muster was stopped while it ran. Look at how far it came before you ask for it again."
			j.in = end
		}
	})
	return j
}

func (s *steps) job(key string) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[key]
}

func (s *steps) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, key)
}

// cancel stops a run.
func (s *steps) cancel(stream string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.stream == stream && j.n == n {
			j.cancel(errCancelled)
		}
	}
}

// Times of performing a step.
const (
	// stepPatience is how long one attempt waits for a step's end, stepLook how
	// long it is left alone then.
	stepPatience = 2 * time.Second
	stepLook     = time.Second
)

// perform brings a step to its end. The delivery stays until the outcome is on
// record: after a crash it says that nobody knows how far the step came.
func (p *Program) perform(ctx context.Context, d outbox.Delivery, e incident.Perform) error {
	j := p.steps.job(d.ID)
	if j == nil {
		var err error
		if j, err = p.beginStep(ctx, d, e); j == nil {
			return err
		}
	}
	timer := time.NewTimer(stepPatience)
	defer timer.Stop()
	select {
	case <-j.done:
	case <-timer.C:
		return outbox.RetryAfterError{After: stepLook}
	case <-ctx.Done():
		return outbox.RetryAfterError{After: stepLook}
	}
	return p.recordStep(ctx, d.ID, j)
}

// recordStep puts on record what came of a performance.
func (p *Program) recordStep(ctx context.Context, key string, j *job) error {
	if err := p.sayStep(ctx, j.stream, j.in); err != nil {
		return outbox.RetryAfterError{After: stepLook, Err: err}
	}
	p.steps.forget(key)
	p.metrics.stepEnded(j.in)
	return nil
}

func (p *Program) sayStep(ctx context.Context, stream string, in incident.Intent) error {
	_, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{Stream: stream, Intent: in})
	var refusal incident.Refusal
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}

// beginStep starts a step, or says that it was begun before: then this process
// never saw its end. Without a job the delivery is over, unless there is an
// error.
func (p *Program) beginStep(ctx context.Context, d outbox.Delivery, e incident.Perform) (*job, error) {
	var s incident.Incident
	if e.Look {
		var err error
		if s, err = p.incidents.State(ctx, d.Stream); err != nil {
			return nil, outbox.RetryAfterError{After: stepLook, Err: err}
		}
	} else {
		done, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{Stream: d.Stream, Intent: incident.StartStep{N: e.N}})
		if err != nil {
			return nil, outbox.RetryAfterError{After: stepLook, Err: err}
		}
		s = done.State
		if !began(done.Events) {
			return nil, p.lostStep(ctx, s, e.N)
		}
		p.opt.Passing(StepBegan)
	}
	r, ok := s.Shelf.Run(e.N)
	if !ok || e.Look && r.Phase != incident.Previewing {
		return nil, nil
	}
	return p.steps.begin(d.ID, d.Stream, e.N, func(ctx context.Context) incident.Intent {
		if e.Look {
			return p.previewRun(ctx, s, r, d.ID)
		}
		return p.runStep(ctx, s, r, d.ID)
	}), nil
}

// StepBegan is the moment after a step's beginning is on record and before
// anything is done.
const StepBegan engine.Points = "step began"

func began(events []incident.Event) bool {
	for _, e := range events {
		if _, ok := e.(incident.StepStarted); ok {
			return true
		}
	}
	return false
}

// lostStep says of a step that began before this process did that nobody knows
// how far it came. It is never run again by itself.
func (p *Program) lostStep(ctx context.Context, s incident.Incident, n int) error {
	r, _ := s.Shelf.Run(n)
	if r.Phase != incident.Running {
		return nil
	}
	in := incident.EndStep{N: n, Outcome: incident.Outcome{
		End: incident.EndUnknown, Why: "Muster was stopped while it ran, and nobody knows how far it came. Look at what it changes before you ask for it again.",
	}}
	if err := p.sayStep(ctx, s.ID, in); err != nil {
		return outbox.RetryAfterError{After: stepLook, Err: err}
	}
	p.metrics.stepEnded(in)
	return nil
}

// performSteps ends, with the program, the steps that still run, and puts on
// record what came of them.
func (p *Program) performSteps(ctx context.Context) error {
	<-ctx.Done()
	p.steps.stop(errStopping)
	p.steps.all.Wait()
	p.steps.mu.Lock()
	left := p.steps.jobs
	p.steps.jobs = map[string]*job{}
	p.steps.mu.Unlock()
	end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	for _, j := range left {
		if _, looked := j.in.(incident.PreviewStep); looked {
			continue
		}
		if err := p.sayStep(end, j.stream, j.in); err != nil {
			p.log.Error("what came of a step could not be recorded", "incident", j.stream, "run", j.n, "error", err)
		}
	}
	return nil
}
