package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/engine"
	"muster/escalation"
	"muster/incident"
	"muster/outbox"
	"muster/reminders"
	"muster/store"
	"muster/store/kv"
)

// faulty is an ordered memory whose commits can be counted and refused.
type faulty struct {
	kv.Memory
	mu      sync.Mutex
	commits int
	fault   error
}

func (f *faulty) Commit(batch []kv.Op, only []kv.If) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		return f.fault
	}
	f.commits++
	return f.Memory.Commit(batch, only)
}

func (f *faulty) refuse(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = err
}

func (f *faulty) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.commits
}

// always is a roster in which one person is on call for everything, for ever.
type always struct{}

func (a always) OnCall(role string, at time.Time) escalation.Shift {
	return escalation.Shift{Contacts: []escalation.Contact{a.Contact(incident.Person{Key: role + "@example.com", Name: role})}}
}

func (always) Contact(p incident.Person) escalation.Contact { return escalation.Contact{Person: p} }

func rules() []incident.Rule {
	return []incident.Rule{escalation.Matrix{Roster: always{}}, escalation.OnCall{Roster: always{}}, reminders.Updates{Roster: always{}}}
}

var (
	ann  = incident.Person{Key: "ann@example.com", Name: "ann"}
	plan = incident.Plan{
		Ladder: incident.Ladder{
			Levels: []incident.Level{
				{Name: "L1", Role: "primary", Methods: []string{"slack"}, RespondWithin: 5 * time.Minute, Until: incident.UntilAcknowledged},
				{Name: "L2", Role: "secondary", Methods: []string{"phone"}, Due: 15 * time.Minute, Until: incident.UntilAcknowledged},
			},
			Mode: incident.All, Repeat: 1, RepeatAfter: 30 * time.Minute, LastResort: incident.LastResort{Channel: "#incidents"},
		},
		Incidents: "#incidents",
	}
)

type world struct {
	engine.Incidents
	store *store.Store
	mu    sync.Mutex
	sent  []outbox.Delivery
	past  []engine.Points
	late  []time.Duration
}

// on makes an engine on a store.
func on(st *store.Store, with ...incident.Rule) *world {
	w := &world{store: st}
	w.Incidents = engine.NewIncidents(engine.Config{
		Store: st,
		Send: func(d ...outbox.Delivery) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.sent = append(w.sent, d...)
		},
		Passing: func(p engine.Points) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.past = append(w.past, p)
		},
		Lateness: func(d time.Duration) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.late = append(w.late, d)
		},
	}, func() []incident.Rule {
		if with != nil {
			return with
		}
		return rules()
	})
	return w
}

func memory(t *testing.T) (*world, *faulty) {
	t.Helper()
	f := &faulty{}
	st, err := store.On(f, store.Options{SnapshotVersion: engine.SnapshotVersion})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	f.commits = 0
	return on(st), f
}

// run steps what is due until the test ends.
func (w *world) run(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func (w *world) do(t *testing.T, stream string, in incident.Intent) engine.Result[incident.Incident] {
	t.Helper()
	r, err := w.Do(t.Context(), engine.Request[incident.Incident]{Stream: stream, Intent: in})
	if err != nil {
		t.Fatalf("%T: %v", in, err)
	}
	return r
}

func (w *world) declare(t *testing.T, title string, p incident.Plan) string {
	t.Helper()
	r, err := w.Do(t.Context(), engine.Request[incident.Incident]{New: true, Intent: incident.Declare{Title: title, Severity: incident.P1, By: ann, Plan: p}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Stream
}

// paged gives when each page was recorded, since a moment.
func (w *world) paged(t *testing.T, stream string, since time.Time) (out []string) {
	t.Helper()
	all, err := w.History(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if e, ok := r.Event.(incident.Paged); ok {
			out = append(out, fmt.Sprintf("%s %v late %v", e.Level, r.At.Sub(since), e.Late))
		}
	}
	return out
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("%s\n got %s\nwant %s", what, a, b)
	}
}

func TestOneCommitPerStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		id := w.declare(t, "API down", plan)
		if f.count() != 1 {
			t.Errorf("declaring took %d commits, want 1", f.count())
		}
		w.do(t, id, incident.Wake{})
		w.do(t, id, incident.Note{By: ann, Text: "x", Source: "m1"})
		w.do(t, id, incident.Note{By: ann, Text: "x", Source: "m1"})
		if f.count() != 2 {
			t.Errorf("a note, its repeat and a needless wake took %d commits more, want 1", f.count()-1)
		}
		pending, err := w.store.Pending()
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what is sent is what is stored", w.sent, pending)
	})
}

func TestFailedCommitLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		id := w.declare(t, "API down", plan)
		before, _ := w.State(t.Context(), id)
		sent := len(w.sent)
		f.refuse(store.ErrFull)
		req := engine.Request[incident.Incident]{Stream: id, Key: "k", Intent: incident.Acknowledge{By: ann}}
		if _, err := w.Do(t.Context(), req); !errors.Is(err, store.ErrFull) {
			t.Fatalf("got %v", err)
		}
		after, _ := w.State(t.Context(), id)
		same(t, "the state", after, before)
		if len(w.sent) != sent {
			t.Error("effects of a step that was not recorded were sent")
		}
		f.refuse(nil)
		r, err := w.Do(t.Context(), req)
		if err != nil || r.Repeated || !r.State.Acked() {
			t.Errorf("the same request afterwards: %+v, %v", r, err)
		}
	})
}

func TestRefusalRecordsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, f := memory(t)
		id := w.declare(t, "API down", plan)
		for _, req := range []engine.Request[incident.Incident]{
			{Stream: id, Key: "a", Intent: incident.Hold{By: ann, For: 2 * time.Hour, Reason: "x"}},
			{Stream: "INC-77", Key: "b", Intent: incident.Acknowledge{By: ann}},
			{New: true, Key: "c", Intent: incident.Declare{By: ann}},
		} {
			var refusal incident.Refusal
			if _, err := w.Do(t.Context(), req); !errors.As(err, &refusal) {
				t.Errorf("%T: %v is no refusal", req.Intent, err)
			}
			if _, seen, _ := w.Seen(t.Context(), req.Key); seen {
				t.Errorf("%T: a refused request is remembered", req.Intent)
			}
		}
		if f.count() != 1 {
			t.Errorf("refusals took %d commits", f.count()-1)
		}
		if id := w.declare(t, "next", plan); id != "INC-2" {
			t.Errorf("a refused declaration used up a number: %s", id)
		}
	})
}

func TestRepeatedRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		reply := func(s incident.Incident, events []incident.Event) []byte {
			return []byte(fmt.Sprintf("%s %d", s.ID, len(events)))
		}
		declare := engine.Request[incident.Incident]{New: true, Key: "declare", Reply: reply, Intent: incident.Declare{Title: "API down", Severity: incident.P1, By: ann, Plan: plan}}
		var replies sync.Map
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				r, err := w.Do(t.Context(), declare)
				if err != nil {
					t.Error(err)
				}
				replies.Store(string(r.Reply), true)
			})
		}
		wg.Wait()
		var got []string
		replies.Range(func(k, _ any) bool { got = append(got, k.(string)); return true })
		same(t, "eight of the same declaration got", got, []string{"INC-1 4"})

		ack := engine.Request[incident.Incident]{Stream: "INC-1", Key: "ack", Reply: reply, Intent: incident.Acknowledge{By: ann}}
		first, err := w.Do(t.Context(), ack)
		if err != nil || first.Repeated || string(first.Reply) != "INC-1 1" {
			t.Fatalf("%+v %v", first, err)
		}
		w.do(t, "INC-1", incident.Unacknowledge{By: ann})
		second, err := w.Do(t.Context(), ack)
		if err != nil || !second.Repeated || string(second.Reply) != "INC-1 1" {
			t.Errorf("the repeat: %+v %v", second, err)
		}
		if s, _ := w.State(t.Context(), "INC-1"); s.Acked() {
			t.Error("the repeat acknowledged again")
		}
		again := on(w.store)
		third, err := again.Do(t.Context(), ack)
		if err != nil || !third.Repeated || string(third.Reply) != "INC-1 1" {
			t.Errorf("the repeat after a restart: %+v %v", third, err)
		}
	})
}

func TestReplyWithoutChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		id := w.declare(t, "API down", plan)
		r, err := w.Do(t.Context(), engine.Request[incident.Incident]{
			Stream: id, Intent: incident.SetStatus{By: ann, To: incident.Investigating},
			Reply: func(s incident.Incident, e []incident.Event) []byte { return []byte(s.Status) },
		})
		if err != nil || string(r.Reply) != "Investigating" || len(r.Events) != 0 {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestConflictFoldsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		id := w.declare(t, "API down", plan)
		other := on(w.store)
		other.do(t, id, incident.Note{By: ann, Text: "by another engine"})
		r := w.do(t, id, incident.AddAction{By: ann, Text: "fix the alert"})
		all, err := w.History(t.Context(), id)
		if err != nil || len(all) != int(r.State.Seq) {
			t.Fatalf("%d records, state at %d, %v", len(all), r.State.Seq, err)
		}
		same(t, "the state", r.State, foldOf(t, all))
	})
}

func foldOf(t *testing.T, all []incident.Record) incident.Incident {
	t.Helper()
	s := incident.Incident{ID: "INC-1"}
	for _, r := range all {
		s = incident.Apply(s, r)
	}
	return s
}

func TestPassing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		id := w.declare(t, "API down", plan)
		w.do(t, id, incident.Wake{})
		page := w.pending(t, "page")
		if err := w.Settle(t.Context(), page, outbox.Outcome{State: outbox.Delivered, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		want := []engine.Points{engine.BeforeCommit, engine.AfterCommit, engine.BeforeSettle, engine.BeforeCommit, engine.AfterCommit}
		if !slices.Equal(w.past, want) {
			t.Errorf("passed %v, want %v", w.past, want)
		}
	})
}

func TestSnapshotEqualsFold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		id := w.declare(t, "API down", plan)
		for i := range 80 {
			time.Sleep(time.Second)
			w.do(t, id, incident.AddAction{By: ann, Text: fmt.Sprint("step ", i)})
		}
		loaded, err := w.store.Load(id)
		if err != nil || loaded.SnapshotSeq < 64 || len(loaded.After) >= 32 {
			t.Fatalf("a snapshot at %d and %d records after it, %v", loaded.SnapshotSeq, len(loaded.After), err)
		}
		all, err := w.History(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := on(w.store).State(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		live, _ := w.State(t.Context(), id)
		same(t, "after a restart", fresh, foldOf(t, all))
		same(t, "live", live, foldOf(t, all))
	})
}

func TestStrangeTextIsFoldedAsItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := memory(t)
		id := w.declare(t, "caf\xe9 <b>&\u2028 🚨", plan)
		live, _ := w.State(t.Context(), id)
		fresh, _ := on(w.store).State(t.Context(), id)
		if !reflect.DeepEqual(live.Title, fresh.Title) {
			t.Errorf("live %q, after a restart %q", live.Title, fresh.Title)
		}
	})
}

func TestFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "muster.db")
		open := func() *store.Store {
			st, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion, NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			return st
		}
		st := open()
		w := on(st)
		began := time.Now()
		id := w.declare(t, "API down", plan)
		live, _ := w.State(t.Context(), id)
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		st = open()
		defer st.Close()
		w = on(st)
		back, err := w.State(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "from the file", back, live)
		if err := w.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "pages", w.paged(t, id, began), []string{"L1 0s late 0s", "L2 2h0m0s late 1h45m0s"})
	})
}
