package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"muster/outbox"
	"muster/store"
)

// model is a store made of maps.
type model struct {
	streams  map[string]*modelStream
	last     int
	pending  []string
	requests map[string]string
}

type modelStream struct {
	bodies  []string
	given   int
	hot     bool
	summary string
	fold    string
	foldSeq int
	version int
}

// Model drives a backend with random steps, good and bad, in bursts and
// restarts, and holds it against a model after each.
func Model(t *testing.T, fresh Fresh) {
	rapid.Check(t, func(rt *rapid.T) {
		open := fresh(t)
		s, err := open(store.Options{SnapshotVersion: 1})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() {
			if s == nil {
				return
			}
			if err := s.Close(); err != nil {
				rt.Error(err)
			}
		}()
		m := &model{streams: map[string]*modelStream{}, requests: map[string]string{}}
		rt.Repeat(map[string]func(*rapid.T){
			"step":  func(rt *rapid.T) { m.step(rt, s) },
			"step2": func(rt *rapid.T) { m.step(rt, s) },
			"restart": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = open(store.Options{SnapshotVersion: 1}); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) { m.check(rt, s) },
		})
	})
}

// step draws a step, works out what must come of it, and compares.
func (m *model) step(rt *rapid.T, s *store.Store) {
	var step store.Step
	if rapid.IntRange(0, 3).Draw(rt, "new") == 0 {
		step.New = "INC-"
	} else {
		step.Stream = rapid.SampledFrom([]string{"INC-1", "INC-2", "INC-3", "rota", "rota-x/2", "ünï"}).Draw(rt, "stream")
		if ms := m.streams[step.Stream]; ms != nil {
			step.Expect = uint64(len(ms.bodies))
		}
		if rapid.IntRange(0, 5).Draw(rt, "stale") == 0 {
			step.Expect = uint64(rapid.IntRange(0, 9).Draw(rt, "expect"))
		}
	}
	for range rapid.IntRange(0, 3).Draw(rt, "records") {
		step.Records = append(step.Records, Fact("note", rapid.String().Draw(rt, "body")))
	}
	for range rapid.IntRange(0, 2).Draw(rt, "deliver") {
		step.Deliver = append(step.Deliver, outbox.Delivery{Kind: "k", Body: []byte("b")})
	}
	if len(m.pending) > 0 {
		step.Settle = rapid.SliceOfN(rapid.SampledFrom(m.pending), 0, 2).Draw(rt, "settle")
	}
	if rapid.IntRange(0, 9).Draw(rt, "unknown delivery") == 0 {
		step.Settle = append(step.Settle, "INC-1/1/99")
	}
	if rapid.Bool().Draw(rt, "request") {
		step.Request = &store.Request{Key: fmt.Sprint("r", rapid.IntRange(0, 30).Draw(rt, "key")), Reply: []byte(rapid.String().Draw(rt, "reply")), At: At}
	}
	switch rapid.IntRange(0, 3).Draw(rt, "hot") {
	case 0:
		step.Hot = new(true)
	case 1:
		step.Hot = new(false)
	}
	if rapid.Bool().Draw(rt, "summarize") {
		step.Summary = []byte(rapid.String().Draw(rt, "summary"))
	}
	if rapid.IntRange(0, 2).Draw(rt, "snapshot") == 0 {
		step.Snapshot, step.SnapshotVersion = []byte(rapid.String().Draw(rt, "fold")), rapid.IntRange(1, 2).Draw(rt, "version")
	}
	reply, want := m.outcome(step)
	got, err := s.Commit(context.Background(), step)
	if want == nil && err != nil || want != nil && !errors.Is(err, want) {
		rt.Fatalf("commit: got %v, want %v", err, want)
	}
	if string(got.Reply) != reply {
		rt.Fatalf("reply: got %q, want %q", got.Reply, reply)
	}
	if want == nil {
		m.apply(rt, step, got)
	}
}

// outcome is the refusal that the step must meet.
func (m *model) outcome(step store.Step) (reply string, refusal error) {
	if step.Request != nil {
		if reply, known := m.requests[step.Request.Key]; known {
			return reply, store.ErrRepeated
		}
	}
	if step.New != "" && len(step.Records) == 0 {
		return "", store.ErrInvalid
	}
	ms := cmp.Or(m.streams[step.Stream], &modelStream{})
	if int(step.Expect) != len(ms.bodies) {
		return "", store.ErrConflict
	}
	if step.New == "" && m.streams[step.Stream] == nil && m.last > 0 && strings.HasPrefix(step.Stream, "INC-") {
		return "", store.ErrInvalid
	}
	for i, id := range step.Settle {
		if !slices.Contains(m.pending, id) || slices.Contains(step.Settle[:i], id) {
			return "", store.ErrGone
		}
	}
	if len(ms.bodies)+len(step.Records) == 0 && (step.Summary != nil || step.Hot != nil || step.Snapshot != nil) {
		return "", store.ErrInvalid
	}
	return "", nil
}

func (m *model) apply(rt *rapid.T, step store.Step, got store.Committed) {
	stream := step.Stream
	if step.New != "" {
		for m.last++; m.streams[fmt.Sprint("INC-", m.last)] != nil; m.last++ {
		}
		stream = fmt.Sprint("INC-", m.last)
	}
	if got.Stream != stream {
		rt.Fatalf("stream: got %s, want %s", got.Stream, stream)
	}
	ms := m.streams[stream]
	if ms == nil {
		ms = &modelStream{}
		if len(step.Records)+len(step.Deliver) > 0 {
			m.streams[stream] = ms
		}
	}
	m.pending = slices.DeleteFunc(m.pending, func(id string) bool { return slices.Contains(step.Settle, id) })
	for _, r := range step.Records {
		ms.bodies, ms.given = append(ms.bodies, string(r.Body)), 0
	}
	for range step.Deliver {
		m.pending = append(m.pending, fmt.Sprintf("%s/%d/%d", stream, len(ms.bodies), ms.given))
		ms.given++
	}
	if step.Request != nil {
		m.requests[step.Request.Key] = string(step.Request.Reply)
	}
	if step.Hot != nil {
		if ms.hot && !*step.Hot {
			ms.fold, ms.foldSeq, ms.version = "", 0, 0
		}
		ms.hot = *step.Hot
	}
	if step.Summary != nil {
		ms.summary = string(step.Summary)
	}
	if step.Snapshot != nil {
		ms.fold, ms.foldSeq, ms.version = string(step.Snapshot), len(ms.bodies), step.SnapshotVersion
	}
}

// check compares everything that can be read.
func (m *model) check(rt *rapid.T, s *store.Store) {
	var ids, hot []string
	pending, err := s.Pending()
	for _, d := range pending {
		ids = append(ids, d.ID)
	}
	m.same(rt, "pending", err, ids, m.pending)
	for _, stream := range slices.Sorted(maps.Keys(m.streams)) {
		ms := m.streams[stream]
		if ms.hot {
			hot = append(hot, stream)
		}
		loaded, err := s.Load(stream)
		fold, foldSeq := ms.fold, ms.foldSeq
		if ms.version != 1 {
			fold, foldSeq = "", 0
		}
		m.same(rt, stream, err,
			[]any{loaded.Seq, loaded.Hot, string(loaded.Summary), string(loaded.Snapshot), loaded.SnapshotSeq, bodies(loaded.After)},
			[]any{len(ms.bodies), ms.hot, ms.summary, fold, foldSeq, ms.bodies[foldSeq:]})
		records, err := s.Records(stream, 0)
		m.same(rt, stream+" records", err, bodies(records), ms.bodies)
	}
	listed, err := s.Hot()
	slices.Sort(listed)
	m.same(rt, "hot", err, listed, hot)
	for key, want := range m.requests {
		reply, found, err := s.Request(key)
		m.same(rt, "request", err, []any{string(reply), found}, []any{want, true})
	}
	if err := s.Verify(); err != nil {
		rt.Fatal(err)
	}
}

func (m *model) same(rt *rapid.T, what string, err error, got, want any) {
	if g, w := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); err != nil || g != w {
		rt.Fatalf("%s: %v\n got %s\nwant %s", what, err, g, w)
	}
}

func bodies(records []store.Record) []string {
	out := []string{}
	for _, r := range records {
		out = append(out, string(r.Body))
	}
	return out
}
