package bot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/bot"
	"muster/commands"
	"muster/incident"
	"muster/outbox"
	"muster/workspace"
)

// desk stands in for the commands, the engine and the store: it notes what it
// is asked, takes as long as it is told, and fails when it is told.
type desk struct {
	mu      sync.Mutex
	calls   []commands.Call
	forms   []commands.FormSubmission
	changes int             // recorded changes: one for each key
	keys    map[string]bool // recorded
	slow    time.Duration
	fail    int // so many times
	broken  int // asked for a place, it panics so many times
	answer  func(commands.Call) commands.Reply
	states  map[string]incident.Incident
	records map[string][]incident.Record
	places  map[string]string // "channel/thread" to ID
}

func newDesk() *desk {
	return &desk{keys: map[string]bool{}, states: map[string]incident.Incident{}, records: map[string][]incident.Record{}, places: map[string]string{}}
}

func (d *desk) commit(key string) (ok bool) {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	time.Sleep(slow)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail > 0 {
		d.fail--
		return false
	}
	if key == "" || !d.keys[key] {
		d.changes++
		d.keys[key] = true
	}
	return true
}

func faulty() commands.Reply {
	return commands.Reply{Code: commands.CodeFault, Text: "nothing was recorded", Ephemeral: true}
}

func (d *desk) Run(_ context.Context, c commands.Call) commands.Reply {
	d.mu.Lock()
	d.calls = append(d.calls, c)
	answer := d.answer
	d.mu.Unlock()
	if strings.HasPrefix(c.Text, "panic") {
		panic("told to")
	}
	if !d.commit(c.Key) {
		return faulty()
	}
	if answer != nil {
		return answer(c)
	}
	return commands.Reply{OK: true, Body: commands.Say("done: ", c.Text), Incident: "INC-1"}
}

func (d *desk) Submit(_ context.Context, f commands.FormSubmission) commands.Reply {
	d.mu.Lock()
	d.forms = append(d.forms, f)
	d.mu.Unlock()
	if !d.commit(f.Key) {
		return faulty()
	}
	if f.Values["text"] == "bad" {
		return commands.Reply{Code: "usage", Body: commands.Say("That is too short."), Errors: map[string]string{"text": "Say more."}}
	}
	return commands.Reply{OK: true, Body: commands.Say("submitted ", f.Name)}
}

func (d *desk) OpenForm(_ context.Context, c commands.Call, name string) commands.Reply {
	d.mu.Lock()
	d.calls = append(d.calls, c)
	d.mu.Unlock()
	return commands.Reply{Code: commands.CodeForm, Form: &commands.Form{Name: name, Incident: strings.TrimSpace(c.Text), Title: "Form " + name, Submit: "Send", Fields: []commands.Field{
		{Name: "title", Label: "Title", Kind: commands.KindLine, Optional: true},
		{Name: "text", Label: "Text", Kind: commands.KindText},
		{Name: "person", Label: "Person", Kind: commands.KindPerson, Optional: true},
		{Name: "target", Label: "Whom", Kind: commands.KindChoice, Optional: true, Choices: []commands.Choice{{Value: "", Label: "Next"}, {Value: "L2", Label: "L2"}}},
	}}}
}

func (d *desk) State(_ context.Context, id string) (incident.Incident, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.states[id]
	if !ok {
		return s, incident.Refusal{Code: "unknown", Text: "There is no " + id + "."}
	}
	return s, nil
}

func (d *desk) History(_ context.Context, id string) ([]incident.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.records[id], nil
}

func (d *desk) Open() []incident.Incident {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []incident.Incident
	for _, s := range d.states {
		if s.Open() {
			out = append(out, s)
		}
	}
	return out
}

func (d *desk) ByPlace(channel, thread string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken > 0 {
		d.broken--
		panic("told to")
	}
	if id, ok := d.places[channel]; ok {
		return id, true
	}
	id, ok := d.places[channel+"/"+thread]
	return id, ok
}

func (d *desk) said() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, c := range d.calls {
		out = append(out, c.Text)
	}
	return out
}

func (d *desk) recorded() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changes
}

func (d *desk) set(change func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// town is a workspace with the bot connected to it.
type town struct {
	*testing.T
	ws   *workspace.Workspace
	bot  *bot.Bot
	desk *desk
	ctx  context.Context
	logs *strings.Builder
}

func townConfig() workspace.Config {
	return workspace.Config{
		People: []workspace.Profile{
			{Handle: "alice", Name: "Alice Johnson", Email: "alice@example.com", TZ: "America/New_York"},
			{Handle: "bob", Name: "Bob Smith", Email: "bob@example.com"},
			{Handle: "gone", Name: "Gone Person", Email: "gone@example.com", Deactivated: true},
		},
		Channels: []workspace.Channel{
			{Name: "incidents"}, {Name: "muster-ops"}, {Name: "alerts", Members: []string{"alice"}},
			{Name: "hidden", Private: true, Members: []string{"bob"}},
		},
		Commands: []workspace.Command{{Command: "/incident", Description: "Incidents", ShouldEscape: true}},
		Shortcuts: []workspace.Shortcut{
			{Type: "message", CallbackID: "add_to_timeline", Name: "Add to timeline"},
			{Type: "message", CallbackID: "declare_incident", Name: "Declare incident"},
		},
		UserGroups: []workspace.UserGroup{{Handle: "sre", Members: []string{"alice"}}},
		Scopes:     manifestScopes,
		BotEvents:  manifestEvents,
	}
}

// inTown runs a test in a bubble with the bot connected.
func inTown(t *testing.T, test func(*town)) { inTownWith(t, townConfig(), test) }

func inTownWith(t *testing.T, cfg workspace.Config, test func(*town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pipe := workspace.NewPipe()
		ws := workspace.New(cfg)
		var parts sync.WaitGroup
		parts.Go(func() {
			if err := ws.Serve(ctx, pipe); err != nil {
				t.Errorf("serve the workspace: %v", err)
			}
		})
		logs := &strings.Builder{}
		d := newDesk()
		b := bot.New(bot.Config{
			BotToken: ws.BotToken(), AppToken: ws.AppToken(), APIURL: "http://workspace.test/api", Dial: pipe.DialContext,
			Commands: d, Incidents: d, Log: slog.New(slog.NewTextHandler(&locked{b: logs}, nil)),
		})
		botCtx, stop := context.WithCancel(ctx)
		parts.Go(func() {
			if err := b.Run(botCtx); err != nil {
				t.Errorf("run the bot: %v", err)
			}
		})
		town := &town{T: t, ws: ws, bot: b, desk: d, ctx: ctx, logs: logs}
		town.settle()
		if ws.Sockets() != 2 {
			t.Fatalf("%d sockets are open, want 2", ws.Sockets())
		}
		test(town)
		stop()
		time.Sleep(time.Minute)
		b.Close()
		cancel()
		parts.Wait()
	})
}

type locked struct {
	mu sync.Mutex
	b  *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// settle lets everything under way come to its end.
func (w *town) settle() {
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
	}
}

// declared puts an incident with its card on the desk.
func (w *town) declared() incident.Incident {
	now := time.Now()
	s := incident.Incident{}
	add := func(e incident.Event) {
		r := incident.Record{Seq: s.Seq + 1, At: now, Event: e}
		s = incident.Apply(s, r)
		w.desk.records["INC-1"] = append(w.desk.records["INC-1"], r)
	}
	alice := incident.Person{Key: "alice@example.com", Name: "Alice Johnson"}
	add(incident.Declared{ID: "INC-1", Title: "API service <down> & out", Severity: incident.P1, By: alice, Plan: incident.Plan{
		Incidents: "#incidents", Operations: "#muster-ops", Room: []incident.Severity{incident.P0, incident.P1},
		Notify: map[incident.Severity][]incident.Channel{incident.P1: {{Name: "#incidents", Mention: "@here"}}},
	}})
	w.desk.set(func(d *desk) { d.states["INC-1"] = s })
	receipt := w.deliver(incident.Announce{}, "INC-1/1/0", false)
	add(incident.Posted{Place: incident.PlaceCard, Channel: receipt.Channel, TS: receipt.TS})
	w.desk.set(func(d *desk) { d.states["INC-1"] = s; d.places[receipt.Channel+"/"+receipt.TS] = "INC-1" })
	return s
}

// record adds a record to INC-1.
func (w *town) record(e incident.Event) incident.Record {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	s := w.desk.states["INC-1"]
	r := incident.Record{Seq: s.Seq + 1, At: time.Now(), Event: e}
	w.desk.states["INC-1"] = incident.Apply(s, r)
	w.desk.records["INC-1"] = append(w.desk.records["INC-1"], r)
	return r
}

func delivery(e incident.Effect, id string) outbox.Delivery {
	kind, body, err := incident.EncodeEffect(e)
	if err != nil {
		panic(err)
	}
	return outbox.Delivery{ID: id, Stream: "INC-1", Kind: kind, Body: body, At: time.Now()}
}

func (w *town) try(e incident.Effect, id string, maybeSent bool) (incident.Receipt, error) {
	raw, err := w.bot.Handler().Deliver(w.ctx, delivery(e, id), maybeSent)
	var r incident.Receipt
	if err == nil {
		if jerr := json.Unmarshal(raw, &r); jerr != nil {
			w.Errorf("receipt %s: %v", raw, jerr)
		}
	}
	return r, err
}

func (w *town) deliver(e incident.Effect, id string, maybeSent bool) incident.Receipt {
	w.Helper()
	r, err := w.try(e, id, maybeSent)
	if err != nil {
		w.Fatalf("deliver %T: %v", e, err)
	}
	return r
}

func must[T any](t *town, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(m workspace.Message) string { return m.Text + " " + string(m.Blocks) }

func (w *town) wantOne(messages []workspace.Message, part string) {
	w.Helper()
	n := 0
	for _, m := range messages {
		if strings.Contains(text(m), part) {
			n++
		}
	}
	if n != 1 {
		w.Errorf("%d messages contain %q, want one of %s", n, part, all(messages))
	}
}

func all(messages []workspace.Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, fmt.Sprintf("%q", m.Text))
	}
	return strings.Join(out, ", ")
}
