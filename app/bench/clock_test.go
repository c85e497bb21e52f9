package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"muster/engine"
	"muster/escalation/rota"
	"muster/incident"
	"muster/outbox"
	"muster/store"
)

// BenchmarkLate is how late due reminders and levels are recorded, with 10,000
// open incidents on a real file: due one by one over 20 seconds, and 500 of
// them in the same second, 1,000 at the same moment. Recorded means on disk, so
// that a page can leave.
//
//	go test ./app/bench -run '^$' -bench Late -benchtime 1x
func BenchmarkLate(b *testing.B) {
	const open = 10_000
	for _, c := range []struct {
		name string
		due  int
		over time.Duration
	}{{"due=10000/within=30s", open, 30 * time.Second}, {"due=500/within=1s", 500, time.Second}, {"due=1000/within=1s", 1000, time.Second}, {"due=500/within=0s", 500, 0}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			var late []time.Duration
			for b.Loop() {
				late = append(late, lateness(b, dataIn(b.TempDir()), configured(b, dir).Get().Schedule, open, c.due, c.over)...)
			}
			if len(late) < c.due*b.N {
				b.Errorf("%d of %d were due", len(late), c.due*b.N)
			}
			early := 0
			for _, l := range late {
				if l < 0 {
					early++
				}
			}
			beside(b, dir)
			b.ReportMetric(float64(early), "early")
			b.ReportMetric(millis(quantile(late, 0.5)), "ms-p50")
			b.ReportMetric(millis(quantile(late, 0.99)), "ms-p99")
			b.ReportMetric(millis(quantile(late, 1)), "ms-max")
		})
	}
}

// lateness gives, for each incident that was due, how late its reminder or its
// second level was on disk.
func lateness(b *testing.B, data string, schedule rota.Schedule, open, due int, over time.Duration) (late []time.Duration) {
	b.Helper()
	base := time.Now().UTC().Truncate(time.Second)
	began := base.Add(-10 * time.Minute)
	moments := map[string]time.Time{}
	clock := began
	e, s := engineOn(b, data, true, engine.Config{Now: func() time.Time { return clock }}, schedule)
	for i := range open {
		clock = began.Add(time.Hour)
		if i < due {
			clock = began.Add(over * time.Duration(i) / time.Duration(due))
		}
		r, err := e.Do(b.Context(), engine.Request[incident.Incident]{New: true, Intent: declaration(i)})
		if err != nil {
			b.Fatal(err)
		}
		if i < due {
			moments[r.Stream] = clock.Add(10 * time.Minute)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}

	// The clock stands a while before the first moment until all is in memory.
	var running time.Time
	now := func() time.Time {
		if running.IsZero() {
			return base.Add(-3 * time.Second)
		}
		return base.Add(-3*time.Second + time.Since(running))
	}
	var mu sync.Mutex
	all := make(chan struct{})
	e, s = engineOn(b, data, false, engine.Config{
		Now: now, Until: func(t time.Time) time.Duration { return t.Sub(now()) },
		Send: func(ds ...outbox.Delivery) {
			at := now()
			mu.Lock()
			defer mu.Unlock()
			if len(ds) == 0 {
				return
			}
			if moment, ok := moments[ds[0].Stream]; ok {
				late = append(late, at.Sub(moment))
				delete(moments, ds[0].Stream)
				if len(moments) == 0 {
					close(all)
				}
			}
		},
	}, schedule)
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	rest()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	running = time.Now()
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	select {
	case <-all:
	case <-time.After(over + time.Minute):
	}
	cancel()
	if err := errors.Join(<-done, s.Close()); err != nil {
		b.Fatal(err)
	}
	return late
}

// declaration is of an incident with nothing ahead but one moment, ten minutes
// later: by turns a reminder and the ladder's second level.
func declaration(i int) incident.Declare {
	d := incident.Declare{Title: fmt.Sprint("API service down - investigating ", i), Severity: incident.P1, By: ann, Plan: incident.Plan{Incidents: "#incidents"}}
	if i%2 == 0 {
		d.Plan.Cadence = map[incident.Severity]string{incident.P1: "@every 10m"}
		return d
	}
	d.Plan.Ladder = incident.Ladder{Mode: incident.All, Levels: []incident.Level{
		{Name: "L1", Role: "primary", Methods: []string{"slack"}, Until: incident.UntilAcknowledged},
		{Name: "L2", Role: "secondary", Methods: []string{"slack"}, Due: 10 * time.Minute, Until: incident.UntilAcknowledged},
	}}
	return d
}

func engineOn(b *testing.B, data string, unsafe bool, cfg engine.Config, schedule rota.Schedule) (engine.Incidents, *store.Store) {
	b.Helper()
	s, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion, NoSync: unsafe})
	if err != nil {
		b.Fatal(err)
	}
	cfg.Store = s
	return engine.NewIncidents(cfg, roster{schedule}.rules), s
}
