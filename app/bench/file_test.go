package bench

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/store"
)

// prepared writes a file with so many open incidents of so many records each,
// as the program would have written it: in turns, with its snapshots and
// summaries. It gives the bytes of the records' bodies.
func prepared(b *testing.B, path string, live *config.Live, incidents, records int) (payload int64) {
	b.Helper()
	s, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion, NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	w := writer{b: b, store: s, ids: make([]string, incidents)}
	var state incident.Incident
	all := history(b, live, records, time.Now())
	const round = 8 // a part of the engine's 32 records between two snapshots
	for ; len(all) > 0; all = all[min(round, len(all)):] {
		w.part = all[:min(round, len(all))]
		for _, r := range w.part {
			state = incident.Apply(state, r)
		}
		w.state = state
		w.everybody()
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return w.payload.Load()
}

// writer gives every incident its next records.
type writer struct {
	b       *testing.B
	store   *store.Store
	ids     []string
	part    []incident.Record
	state   incident.Incident // after part
	payload atomic.Int64
}

func (w *writer) everybody() {
	work := make(chan int)
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for i := range work {
				step := store.Step{New: engine.IncidentPrefix, Write: w.step}
				if w.ids[i] != "" {
					var err error
					if step, err = w.step(w.ids[i]); err != nil {
						w.b.Error(err)
					}
				}
				done, err := w.store.Commit(w.b.Context(), step)
				if err != nil {
					w.b.Error(err)
				}
				w.ids[i] = done.Stream
			}
		})
	}
	for i := range w.ids {
		work <- i
	}
	close(work)
	group.Wait()
}

// step is the next records of one incident.
func (w *writer) step(id string) (step store.Step, err error) {
	step = store.Step{Stream: id, Expect: w.part[0].Seq - 1}
	for _, r := range w.part {
		switch e := r.Event.(type) {
		case incident.Declared:
			e.ID = id
			r.Event = e
			step.Hot = new(true)
		case incident.Posted:
			if e.Place == incident.PlaceRoom {
				e.Channel = roomOf(id)
				r.Event = e
			}
		}
		kind, body, err := incident.EncodeEvent(r.Event)
		if err != nil {
			return step, err
		}
		w.payload.Add(int64(len(body)))
		step.Records = append(step.Records, store.Record{At: r.At, Kind: kind, Version: incident.EventVersion, Body: body})
	}
	s := w.state
	s.ID = id
	if s.Room.Channel != "" {
		s.Room.Channel = roomOf(id)
	}
	if step.Summary, err = json.Marshal(engine.Summarise(s)); err != nil {
		return step, err
	}
	if s.Seq%32 == 0 {
		step.SnapshotVersion = engine.SnapshotVersion
		step.Snapshot, err = json.Marshal(s)
	}
	return step, err
}

// roomOf is the channel of an incident's own.
func roomOf(id string) string {
	return fmt.Sprintf("C0ROOM%06s", strings.TrimPrefix(id, engine.IncidentPrefix))
}
