package bench

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/escalation"
	"muster/escalation/rota"
	"muster/incident"
	"muster/outbox"
	"muster/reminders"
	"muster/store"
)

// roster answers from a configuration, as the program does; only Slack reaches
// anybody.
type roster struct{ schedule rota.Schedule }

func (r roster) OnCall(role string, at time.Time) escalation.Shift {
	shift := r.schedule.OnCall(role, at, nil)
	out := escalation.Shift{Until: shift.Until}
	for _, m := range shift.Members {
		out.Contacts = append(out.Contacts, r.Contact(m.Person()))
	}
	return out
}

func (r roster) Contact(p incident.Person) escalation.Contact {
	off := "not configured"
	return escalation.Contact{Person: p, Missing: map[string]string{"pagerduty": off, "phone": off, "email": off}}
}

func (r roster) rules() []incident.Rule {
	return []incident.Rule{escalation.OnCall{Roster: r}, escalation.Matrix{Roster: r}, reminders.Updates{Roster: r}}
}

// configured loads a configuration; an empty folder has the built-in one.
func configured(b *testing.B, dir string) *config.Live {
	b.Helper()
	live, err := config.NewLive(filepath.Join(dir, "config"), func(string) (string, bool) { return "", false })
	if err != nil {
		b.Fatal(err)
	}
	return live
}

// planOf is what the program gives an incident for its life.
func planOf(cfg *config.Config) incident.Plan {
	p := incident.Plan{
		Ladder: cfg.Ladder, Cadence: cfg.Cadence, Incidents: cfg.Channels.Incidents, Operations: cfg.Channels.Operations,
		Notify: map[incident.Severity][]incident.Channel{},
	}
	for _, s := range incident.Severities {
		if cfg.IncidentChannel[s] {
			p.Room = append(p.Room, s)
		}
		for _, c := range cfg.Notify[s.Class()] {
			if c.Type == "slack" {
				p.Notify[s] = append(p.Notify[s], incident.Channel{Name: c.Channel, Mention: c.Mention})
			}
		}
	}
	return p
}

// teller plays incidents through the engine with the built-in configuration,
// by a clock of its own; everything that is to be sent is delivered at once.
type teller struct {
	engine.Incidents
	b     *testing.B
	store *store.Store
	plan  incident.Plan
	now   time.Time
	posts int
}

func newTeller(b *testing.B, s *store.Store, live *config.Live, now time.Time) *teller {
	t := &teller{b: b, store: s, plan: planOf(live.Get()), now: now}
	r := roster{live.Get().Schedule}
	t.Incidents = engine.NewIncidents(engine.Config{Store: s, Now: func() time.Time { return t.now }}, r.rules)
	return t
}

var (
	ann = incident.Person{Key: "alice@example.com", Name: "Alice Johnson"}
	bob = incident.Person{Key: "bob@example.com", Name: "Bob Smith"}
)

// say takes one step after a pause and has everything delivered.
func (t *teller) say(stream string, pause time.Duration, in incident.Intent) string {
	t.b.Helper()
	t.now = t.now.Add(pause)
	t.posts++
	r, err := t.Do(t.b.Context(), engine.Request[incident.Incident]{
		Stream: stream, New: stream == "", Intent: in, Key: fmt.Sprintf("slash/%d.%d.0123456789abcdef", t.now.UnixNano(), t.posts),
		Reply: func(s incident.Incident, _ []incident.Event) []byte {
			return fmt.Appendf(nil, `{"ok":true,"incident":%q,"text":"%s is recorded.","body":[{"text":"%s is recorded."}]}`, s.ID, s.ID, s.ID)
		},
	})
	if err != nil {
		t.b.Fatal(err)
	}
	t.deliver()
	return r.Stream
}

// deliver settles what waits, as Slack would.
func (t *teller) deliver() {
	t.b.Helper()
	for {
		waiting, err := t.store.Pending()
		if err != nil {
			t.b.Fatal(err)
		}
		if len(waiting) == 0 {
			return
		}
		for _, d := range waiting {
			t.posts++
			o := outbox.Outcome{State: outbox.Delivered, At: t.now.Add(time.Second)}
			e, err := incident.DecodeEffect(d.Kind, d.Body)
			if err != nil {
				t.b.Fatal(err)
			}
			receipt := incident.Receipt{Channel: "C0INCIDENTS", TS: fmt.Sprintf("%d.%06d", t.now.Unix(), t.posts)}
			if room, ok := e.(incident.Room); ok && room.Step == incident.RoomCreate {
				receipt = incident.Receipt{Channel: "C0ROOM-" + d.Stream, Name: "inc-" + d.Stream}
			}
			if o.Receipt, err = json.Marshal(receipt); err != nil {
				t.b.Fatal(err)
			}
			if err := t.Settle(t.b.Context(), d, o); err != nil {
				t.b.Fatal(err)
			}
		}
	}
}

// wake lets a pause go by in which the clocks speak.
func (t *teller) wake(stream string, pause time.Duration) {
	t.b.Helper()
	t.now = t.now.Add(pause)
	if _, err := t.Do(t.b.Context(), engine.Request[incident.Incident]{Stream: stream, Intent: incident.Wake{}}); err != nil {
		t.b.Fatal(err)
	}
	t.deliver()
}

// declare begins an incident whose card stands and that somebody has.
func (t *teller) declare(title string) string {
	id := t.say("", time.Second, incident.Declare{Title: title, Severity: incident.P1, By: ann, Origin: "C0INCIDENTS", Plan: t.plan})
	t.say(id, time.Minute, incident.Acknowledge{By: bob, Via: "slack"})
	return id
}

// work is what people write while they work on it: 300 to 500 bytes each.
func (t *teller) work(id string, n int) {
	switch n % 2 {
	case 0:
		t.say(id, 2*time.Second, incident.PostUpdate{
			By: bob, Status: incident.Identified, ETA: "21:30 UTC", Impact: "a third of the customers cannot pay by card",
			Text: fmt.Sprintf("The connection pool of the payments database is used up on %d of 9 replicas since the deployment at 20:14; taking the new ones out of rotation one by one while the old version is being rolled out again", n%9),
			Next: fmt.Sprintf("Check the error rate of checkout after replica %d has gone, then restart the workers that hold connections", n%9),
		})
	default:
		t.say(id, 2*time.Second, incident.Note{By: ann, Text: fmt.Sprintf("Graph of open connections on replica %d: 500 of 500 since 20:16, waiting queries grow by about forty a second; the slow query log has the report of the finance team on top, it was started by hand and does not use the index on created_at that was dropped yesterday evening", n%9), Link: "https://example.slack.com/archives/C0INCIDENTS/p1764000000000100"})
	}
}

// history plays one incident until it has this many records. It ends a moment
// before now with nothing to do: acknowledged, updated, every message sent.
func history(b *testing.B, live *config.Live, records int, now time.Time) []incident.Record {
	b.Helper()
	s := store.Memory()
	defer s.Close()
	t := newTeller(b, s, live, now.Add(-time.Duration(2*records)*time.Second-2*time.Minute))
	id := t.declare("API service down - investigating")
	for n := 0; ; n++ {
		all, err := t.History(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		if len(all) >= records {
			return all[:records]
		}
		t.work(id, n)
	}
}
