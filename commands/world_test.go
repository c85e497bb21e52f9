package commands_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/commands"
	"muster/engine"
	"muster/escalation"
	"muster/escalation/rota"
	"muster/incident"
	"muster/playbooks/flow"
	"muster/reminders"
	"muster/report/stats"
	"muster/store"
)

// world is the commands over the real engine and the real rules, with a clock
// that the script moves.
type world struct {
	t           testing.TB
	now         time.Time
	incidents   engine.Incidents
	desk        engine.Desk
	permissions commands.Permissions
	groups      map[string][]string
	playbooks   map[string]incident.Severity
	commands    *commands.Commands
	faults      []error
}

func person(name string) incident.Person {
	return incident.Person{Key: strings.ToLower(name) + "@example.com", Name: strings.ToUpper(name[:1]) + name[1:]}
}

func member(name string) rota.Member {
	p := person(name)
	return rota.Member{Name: p.Name, Email: p.Key, Phone: "+15550100", Slack: "@" + name}
}

func schedule() rota.Schedule {
	weekly := func(name string, members ...string) rota.Rota {
		r := rota.Rota{Name: name, Type: rota.Weekly, Weekday: time.Monday, At: rota.Clock{Hour: 9}, StartsOn: rota.Date{Year: 2026, Month: time.January, Day: 5}}
		for _, m := range members {
			r.Members = append(r.Members, member(m))
		}
		return r
	}
	fixed := func(name string, members ...string) rota.Rota {
		r := weekly(name, members...)
		r.Type = rota.None
		return r
	}
	return rota.Schedule{
		Rotas: map[string]rota.Rota{
			"primary": weekly("primary", "alice", "bob"), "secondary": weekly("secondary", "bob", "carol"),
			"manager": fixed("manager", "mia", "max"), "director": fixed("director", "dan"), "cto": fixed("cto", "cleo"),
		},
		Order: []string{"primary", "secondary", "manager", "director", "cto"},
	}
}

func ladder() incident.Ladder {
	level := func(name, role string, due, within time.Duration, until incident.Until, methods ...string) incident.Level {
		return incident.Level{Name: name, Role: role, Due: due, RespondWithin: within, Until: until, Methods: methods}
	}
	l := incident.Ladder{
		Mode: incident.All, Repeat: 3, RepeatAfter: 30 * time.Minute, AckExpires: 30 * time.Minute,
		LastResort: incident.LastResort{Channel: "#incidents", Mention: "@channel"},
		Levels: []incident.Level{
			level("L1", "primary", 0, 5*time.Minute, incident.UntilAcknowledged, "pagerduty", "phone", "slack"),
			level("L2", "secondary", 15*time.Minute, 15*time.Minute, incident.UntilAcknowledged, "pagerduty", "phone"),
			level("L3", "manager", 30*time.Minute, 30*time.Minute, incident.UntilResolved, "phone", "slack"),
			level("L4", "director", time.Hour, time.Hour, incident.UntilResolved, "phone"),
			level("L5", "cto", 4*time.Hour, 0, incident.UntilResolved, "phone"),
		},
	}
	l.Levels[3].DueBySeverity = map[incident.Severity]time.Duration{incident.P0: 30 * time.Minute}
	l.Levels[4].BusinessCritical = true
	return l
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), groups: map[string][]string{}, playbooks: map[string]incident.Severity{}}
	w.permissions = commands.Permissions{
		commands.Declare: {"everyone"}, commands.Respond: {"everyone"},
		commands.Operate: {"rota:primary", "rota:secondary", "role:commander", "role:ops"},
		commands.Approve: {"rota:primary", "rota:secondary", "rota:manager"}, commands.Admin: {"rota:manager"},
	}
	s := store.Memory()
	t.Cleanup(func() { _ = s.Close() })
	cfg := engine.Config{Store: s, Now: func() time.Time { return w.now }, Until: func(time.Time) time.Duration { return time.Hour }}
	rules := []incident.Rule{escalation.Matrix{Roster: roster{w}}, reminders.Updates{Roster: roster{w}}, flow.Lapse{}}
	w.incidents = engine.NewIncidents(cfg, func() []incident.Rule { return rules })
	w.desk = engine.NewDesk(cfg, nil, nil)
	if err := w.incidents.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.commands = commands.New(commands.Config{
		Doer: w, Reader: w, Lister: w, Stats: w, People: w, Rotas: w, Desk: w, Playbooks: w, Rules: rules,
		Plan: func(incident.Severity) incident.Plan {
			return incident.Plan{
				Ladder: ladder(), Incidents: "#incidents", Operations: "#muster-ops",
				Cadence: map[incident.Severity]string{incident.P0: "@every 10m", incident.P1: "@every 10m", incident.P2: "@every 30m"},
				Room:    []incident.Severity{incident.P0, incident.P1},
			}
		},
		Default:     func() incident.Severity { return incident.P1 },
		Permissions: func() commands.Permissions { return w.permissions },
		Missing:     func(p incident.Person) map[string]string { return roster{w}.Contact(p).Missing },
		Fault:       func(err error) { w.faults = append(w.faults, err) },
	})
	return w
}

// pass lets time go by; the rules see every half minute of it.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(min(30*time.Second, end.Sub(w.now)))
		for _, s := range w.incidents.OpenIncidents() {
			w.tell(s.ID, incident.Wake{})
		}
	}
}

func (w *world) tell(id string, in incident.Intent) {
	if _, err := w.incidents.Do(context.Background(), engine.Request[incident.Incident]{Stream: id, Intent: in}); err != nil {
		w.t.Fatalf("%s %T: %v", id, in, err)
	}
}

func (w *world) Do(ctx context.Context, r commands.Request) (commands.Result, error) {
	done, err := w.incidents.Do(ctx, engine.Request[incident.Incident]{Stream: r.Stream, New: r.New, Intent: r.Intent, Key: r.Key, Reply: r.Reply})
	return commands.Result{Stream: done.Stream, Reply: done.Reply, Repeated: done.Repeated}, err
}

func (w *world) Seen(ctx context.Context, key string) ([]byte, bool) {
	reply, ok, err := w.incidents.Seen(ctx, key)
	return reply, ok && err == nil
}

func (w *world) State(ctx context.Context, id string) (incident.Incident, error) {
	return w.incidents.State(ctx, id)
}

func (w *world) History(ctx context.Context, id string) ([]incident.Record, error) {
	return w.incidents.History(ctx, id)
}

func (w *world) Open() []incident.Incident { return w.incidents.OpenIncidents() }

func (w *world) ByPlace(channel, thread string) (string, bool) {
	return w.incidents.ByPlace(context.Background(), channel, thread)
}

func (w *world) List(ctx context.Context, all bool, limit int) ([]commands.Summary, error) {
	list, err := w.incidents.List(ctx, 0)
	var out []commands.Summary
	for _, s := range list {
		if all || s.ResolvedAt.IsZero() && s.MergedInto == "" {
			out = append(out, commands.Summary{
				ID: s.ID, Title: s.Title, Severity: s.Severity, Status: s.Status, Service: s.Service,
				DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, Commander: s.Commander, MergedInto: s.MergedInto,
			})
		}
	}
	return out[:min(len(out), limit)], err
}

func (w *world) Find(_ context.Context, text string, by incident.Person) (incident.Person, error) {
	name := strings.NewReplacer("<@U", "", ">", "", "@example.com", "", "<mailto:", "").Replace(text)
	name, _, _ = strings.Cut(strings.ToLower(strings.TrimPrefix(name, "@")), "|")
	if !slices.Contains([]string{"ann", "alice", "bob", "carol", "dave", "mia", "max", "dan", "cleo"}, name) {
		return incident.Person{}, incident.Refusal{Code: "no_person", Text: "Nobody is known as " + text + ".", Hint: "Use @name, or an e-mail address."}
	}
	return person(name), nil
}

func (w *world) InGroup(_ context.Context, group string, p incident.Person) (bool, error) {
	members, ok := w.groups[group]
	if !ok {
		return false, fmt.Errorf("user group %s: not found", group)
	}
	return slices.Contains(members, p.Key), nil
}

func (w *world) Zone(p incident.Person) *time.Location {
	if p.Is(person("dan")) {
		z, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			w.t.Fatal(err)
		}
		return z
	}
	return nil
}

func (w *world) Schedule() rota.Schedule { return schedule() }

func (w *world) Overrides() []rota.Override {
	d, err := w.desk.State(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	var out []rota.Override
	for _, o := range d.Overrides {
		out = append(out, rota.Override(o))
	}
	return out
}

func say[E any](w *world, in incident.Intent, key string) (fact E, err error) {
	r, err := w.desk.Do(context.Background(), engine.Request[incident.Desk]{
		Stream: engine.DeskStream, Intent: in, Key: key,
		Reply: func(_ incident.Desk, events []incident.Event) []byte {
			b, _ := json.Marshal(events[0])
			return b
		},
	})
	if err != nil {
		return fact, err
	}
	return fact, json.Unmarshal(r.Reply, &fact)
}

func (w *world) AddOverride(_ context.Context, o rota.Override, key string) (rota.Override, error) {
	return say[rota.Override](w, incident.MakeOverride{Override: incident.Override(o)}, key)
}

func (w *world) AskSwap(_ context.Context, s commands.Swap, key string) (commands.Swap, error) {
	return say[commands.Swap](w, incident.AskSwap{Swap: incident.Swap(s)}, key)
}

func (w *world) AnswerSwap(_ context.Context, id string, by incident.Person, accept bool, _ time.Time, key string) (commands.Swap, error) {
	return say[commands.Swap](w, incident.AnswerSwap{ID: id, By: by, Accept: accept}, key)
}

func (w *world) AcceptShift(_ context.Context, role string, by incident.Person, key string) error {
	_, err := say[incident.ShiftAccepted](w, incident.AcceptShift{Role: role, By: by}, key)
	return err
}

func (w *world) Match(title, _ string) (incident.Severity, string, bool) {
	for name, s := range w.playbooks {
		if strings.Contains(strings.ToLower(title), strings.ToLower(name)) {
			return s, name, true
		}
	}
	return 0, "", false
}

// roster lets the rules ask the world who is on call.
type roster struct{ w *world }

func (r roster) OnCall(role string, at time.Time) escalation.Shift {
	shift := schedule().OnCall(role, at, r.w.Overrides())
	out := escalation.Shift{Until: shift.Until}
	for _, m := range shift.Members {
		out.Contacts = append(out.Contacts, r.Contact(m.Person()))
	}
	return out
}

func (r roster) Contact(p incident.Person) escalation.Contact {
	return escalation.Contact{Person: p, Missing: map[string]string{"email": "not configured"}}
}

// Rows gives what statistics need.
func (w *world) Rows(ctx context.Context) ([]stats.Row, error) {
	list, err := w.incidents.List(ctx, 0)
	var out []stats.Row
	for _, s := range list {
		if s.Drill {
			continue
		}
		out = append(out, stats.Row{ID: s.ID, Severity: s.Severity, Service: s.Service, DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, Reopens: s.Reopens, Tally: s.Tally})
	}
	return out, err
}
