package run

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/playbooks/run/kube"
	"muster/playbooks/run/shell"
)

// cluster opens the way into Kubernetes when a step first needs it.
type cluster struct {
	once sync.Once
	kube *kube.Cluster
	err  error
}

func (p *performance) open(ctx context.Context) (*kube.Cluster, error) {
	p.cluster.once.Do(func() {
		req := p.order.Request
		until, _ := ctx.Deadline()
		opts := kube.Options{
			Access: p.access(), ExecAllow: p.order.Reach.ExecAllow, Until: until, Seen: toKube(req.Seen),
			Secret: func(values ...string) {
				for _, v := range values {
					p.out.secrets.AddEncoded(v)
				}
			},
			Journal: func(j kube.Journal, objects []kube.Object) {
				if data, err := json.Marshal(j); err == nil {
					p.frames.send(frame{Journal: data, Objects: fromKube(objects)})
				}
			},
			Evidence: p.evidence, Mask: p.out.mask,
		}
		switch req.Mode {
		case Preview:
			opts.Mode = kube.Preview
		case Change:
			opts.Mode = kube.Change
		case Check, Read, Undo:
			opts.Mode = kube.Read
		}
		p.cluster.kube, p.cluster.err = kube.Open(ctx, opts)
	})
	return p.cluster.kube, p.cluster.err
}

func (p *performance) access() kube.Access {
	c := p.order.Reach.Cluster
	return kube.Access{Kubeconfig: c.Kubeconfig, Context: c.Context, As: c.As, AsGroups: c.AsGroups, Namespace: p.order.Request.Namespace}
}

func (p *performance) kubectl(ctx context.Context, s shell.Streams, args []string) error {
	k, err := p.open(ctx)
	if err != nil {
		return err
	}
	return k.Kubectl(ctx, s, args)
}

// settle puts what the cluster saw into the result.
func (p *performance) settle() {
	k := p.cluster.kube
	if k == nil {
		return
	}
	o := k.Outcome()
	r := &p.result
	r.Touches, r.Diff, r.Undo, r.UndoNote = fromKube(o.Objects), p.out.mask(o.Diff), o.Journal, p.out.mask(o.UndoNote)
	r.Disruption = o.Disruption
	for _, remark := range o.Remarks {
		r.Remarks = append(r.Remarks, p.out.mask(remark))
	}
}

// undo puts back what the journal says.
func (p *performance) undo(ctx context.Context) (int, error) {
	journal, err := kube.ReadJournal(p.order.Request.Undo)
	if err != nil {
		return -1, err
	}
	o, err := kube.Undo(ctx, p.access(), journal, p.order.Request.Mode == Preview, p.out)
	p.result.Touches, p.result.Diff = fromKube(o.Objects), p.out.mask(o.Diff)
	if err != nil {
		return -1, err
	}
	return 0, nil
}

// evidence keeps a file for the incident's evidence.
func (p *performance) evidence(name string, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := sha256.Sum256(data)
	p.result.Files = append(p.result.Files, File{Name: name, SHA256: hex.EncodeToString(sum[:]), Data: bytes.Clone(data)})
	return nil
}

func toKube(objects []Object) []kube.Object {
	if objects == nil {
		return nil
	}
	out := make([]kube.Object, 0, len(objects))
	for _, o := range objects {
		out = append(out, kube.Object(o))
	}
	return out
}

func fromKube(objects []kube.Object) []Object {
	var out []Object
	for _, o := range objects {
		out = append(out, Object(o))
	}
	return out
}

// isChanged tells whether an error says that an object is not as approved.
func isChanged(err error) bool {
	var changed kube.ErrChanged
	var session changedError
	return errors.As(err, &changed) || errors.As(err, &session)
}

// changedError says what is not as it was approved.
type changedError string

func (e changedError) Error() string { return string(e) }

// sleep waits, and not at all in a preview.
func (p *performance) sleep(ctx context.Context, s shell.Streams, args []string) error {
	var total time.Duration
	for _, a := range args[1:] {
		d, err := seconds(a)
		if err != nil {
			return err
		}
		total += d
	}
	if p.order.Request.Mode == Preview {
		fmt.Fprintf(s.Out, "(would wait %s)\n", total)
		return nil
	}
	return wait(ctx, total)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
