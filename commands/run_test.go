package commands_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/commands"
	"muster/incident"
)

func (w *world) run(who, text string) commands.Reply {
	return w.commands.Run(context.Background(), commands.Call{Text: text, By: person(who), Via: commands.ViaHTTP, Now: w.now})
}

// needs is what each command needs, written down a second time: a change of
// the table is a change of the contract.
var needs = map[string]commands.Permission{
	"create x": commands.Declare,
	"ack":      commands.Respond, "unack": commands.Respond, "update x": commands.Respond, "nochange": commands.Respond, "snooze": commands.Respond,
	"status identified": commands.Respond, "severity P0": commands.Respond, "critical": commands.Respond, "lead @bob": commands.Respond,
	"role ops @bob": commands.Respond, "escalate": commands.Respond, "page @bob x": commands.Respond, "hold 30m x": commands.Respond,
	"note x": commands.Respond, "action x": commands.Respond, "resolve x": commands.Respond, "reopen x": commands.Respond, "merge INC-2": commands.Respond,
	"override @bob for 2h": commands.Respond, "swap @bob for 2h": commands.Respond, "playbook": commands.Respond, "postmortem": commands.Respond,
	"drill": commands.Declare, "alert ack": commands.Respond, "maintenance x 2h": commands.Respond, "alerts": commands.Anyone,
	"list": commands.Anyone, "show": commands.Anyone, "timeline": commands.Anyone, "oncall": commands.Anyone, "why primary": commands.Anyone,
	"help": commands.Anyone, "accept primary": commands.Anyone, "simulate P0": commands.Anyone, "stats": commands.Anyone,
	"test-page": commands.Anyone, "invite @bob": commands.Respond,
}

func TestEveryCommandIsChecked(t *testing.T) {
	fields := strings.Fields
	help := newWorld(t).run("ann", "help").Text
	for l := range strings.Lines(help) {
		if !strings.HasPrefix(l, "`") {
			continue
		}
		name := fields(strings.Trim(l, "`"))[0]
		name = strings.Trim(name, "`")
		if !slices.ContainsFunc(slices.Collect(keys(needs)), func(k string) bool { return fields(k)[0] == name }) {
			t.Errorf("%s is in help and has no row here", name)
		}
	}
	for text, permission := range needs {
		for _, held := range []commands.Permission{commands.Anyone, commands.Declare, commands.Respond, commands.Operate, commands.Approve, commands.Admin} {
			w := newWorld(t)
			w.run("ann", "create P1 first")
			w.run("ann", "create P2 second")
			if strings.HasPrefix(text, "reopen") || strings.HasPrefix(text, "postmortem") {
				w.run("ann", "resolve INC-1 x")
			}
			w.permissions = commands.Permissions{held: {"dave@example.com"}}
			before := w.records()
			words := fields(text)
			named := strings.Join(append([]string{words[0], "INC-1"}, words[1:]...), " ")
			if slices.Contains([]string{"create", "override", "swap", "oncall", "why", "help", "simulate", "list", "stats", "drill", "accept", "alert", "alerts", "maintenance", "test-page"}, words[0]) {
				named = text
			}
			r := w.run("dave", named)
			allowed := permission == commands.Anyone || permission == held
			if got := r.Code != commands.CodePermission; got != allowed {
				t.Errorf("%q with %q: allowed %t, want %t (%s)", named, held, got, allowed, r.Text)
			}
			if !allowed && (w.records() != before || !r.Ephemeral || !strings.Contains(r.Text, string(permission))) {
				t.Errorf("%q with %q: the refusal is not private, changed something or does not name %s: %+v", named, held, permission, r)
			}
		}
	}
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (w *world) records() int {
	n := len(w.Overrides())
	for _, id := range []string{"INC-1", "INC-2", "INC-3"} {
		h, err := w.incidents.History(context.Background(), id)
		if err == nil {
			n += len(h)
		}
	}
	return n
}

// Every example of the help is a command that can be read.
func TestExamplesOfHelp(t *testing.T) {
	n := 0
	for text := range needs {
		name := strings.Fields(text)[0]
		for l := range strings.Lines(newWorld(t).run("ann", "help "+name).Text) {
			example, ok := strings.CutPrefix(strings.TrimSpace(l), "For example: `")
			if !ok {
				continue
			}
			n++
			w := newWorld(t)
			for range 4 {
				w.run("ann", "create x")
			}
			w.run("ann", "ack INC-3")
			if name == "reopen" || name == "postmortem" {
				w.run("ann", "resolve INC-3 x")
			}
			switch r := w.run("ann", strings.TrimSuffix(example, "`")); r.Code {
			case "", commands.CodeWhich, commands.CodeMissing, commands.CodePermission, "no_swap", "not_private", "no_shift", "not_yours", "not_due":
			default:
				t.Errorf("the example %q of %s gets %q: %s", example, name, r.Code, r.Text)
			}
		}
	}
	if n < len(needs) {
		t.Errorf("%d examples for %d commands", n, len(needs))
	}
}

func TestSeverityOfADeclaration(t *testing.T) {
	w := newWorld(t)
	w.playbooks["security"] = incident.P0
	for text, want := range map[string]string{
		"create security breach":             "the playbook security",
		"create P2 security breach":          "the leading word P2",
		"create something":                   "the default",
		"create security breach severity=P3": "chosen by hand",
	} {
		r := w.run("ann", text)
		s, err := w.incidents.State(context.Background(), r.Incident)
		if err != nil || s.Chosen != want {
			t.Errorf("%q: chosen from %q, %v; want %q", text, s.Chosen, err, want)
		}
		if words := strings.NewReplacer("chosen by hand", "as you said").Replace(want); !strings.Contains(r.Text, words) {
			t.Errorf("%q does not say %q: %s", text, words, r.Text)
		}
	}
}

func TestDraft(t *testing.T) {
	ann, bob := person("ann"), person("bob")
	records := func(events ...incident.Event) (out []incident.Record) {
		for i, e := range events {
			out = append(out, incident.Record{Seq: uint64(i + 1), Event: e})
		}
		return out
	}
	for _, c := range []struct {
		name    string
		history []incident.Record
		want    commands.Update
	}{
		{"nothing", nil, commands.Update{}},
		{"declared", records(incident.Declared{}), commands.Update{Status: incident.Investigating}},
		{
			"since the last update only",
			records(incident.Declared{}, incident.Noted{By: ann, Text: "old"}, incident.Updated{Status: incident.Mitigating, Text: "x", Next: "wait", ETA: "soon"},
				incident.Acknowledged{By: bob}, incident.Noted{By: ann, Text: "a\n b"}, incident.PageSettled{}, incident.ReminderDue{}),
			commands.Update{Status: incident.Mitigating, Text: "Bob acknowledged\na b", Next: "wait", ETA: "soon"},
		},
		{
			"who was paged, once",
			records(incident.Declared{}, incident.Paged{Person: bob}, incident.Paged{Person: bob}, incident.Paged{Person: ann}),
			commands.Update{Status: incident.Investigating, Text: "Bob was paged\nAnn was paged"},
		},
		{
			"a follow-up is the next step",
			records(incident.Declared{}, incident.StatusChanged{To: incident.Identified}, incident.ActionAdded{Text: "fix it"}),
			commands.Update{Status: incident.Identified, Next: "fix it"},
		},
		{
			"a no-change update keeps the status",
			records(incident.Declared{}, incident.StatusChanged{To: incident.Identified}, incident.Updated{Text: "No change", NoChange: true}),
			commands.Update{Status: incident.Identified},
		},
	} {
		if got := commands.Draft(c.history); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	var many []incident.Event
	for range 50 {
		many = append(many, incident.Noted{By: ann, Text: strings.Repeat("x", 4000)})
	}
	if n := len([]rune(commands.Draft(records(many...)).Text)); n > commands.MaxText {
		t.Errorf("a draft of %d code points does not fit into the form", n)
	}
}

// broken fails at every step.
type broken struct{ *world }

func (broken) Do(context.Context, commands.Request) (commands.Result, error) {
	return commands.Result{}, errors.New("write /var/lib/secret: no space left on device")
}

func TestFaultsAreNotShown(t *testing.T) {
	w := newWorld(t)
	w.run("ann", "create first")
	w.commands.Doer = broken{w}
	r := w.run("ann", "ack")
	if r.OK || r.Code != commands.CodeFault || strings.Contains(r.Text, "secret") {
		t.Errorf("the answer to a fault: %+v", r)
	}
	if len(w.faults) != 1 {
		t.Errorf("the fault was not passed on: %v", w.faults)
	}
}

func TestNothingConfigured(t *testing.T) {
	c := commands.New(commands.Config{})
	for text := range needs {
		for _, s := range []string{text, "help " + text, text + " INC-1"} {
			if r := c.Run(context.Background(), commands.Call{Text: s, By: person("ann"), Key: "k"}); r.Text == "" {
				t.Errorf("%q has no answer", s)
			}
		}
	}
	c = commands.New(commands.Config{Permissions: func() commands.Permissions {
		return commands.Permissions{commands.Declare: {"everyone"}, commands.Respond: {"everyone"}, commands.Admin: {"@x", "rota:a"}}
	}})
	for text := range needs {
		if r := c.Run(context.Background(), commands.Call{Text: text, By: person("ann"), Key: "k"}); r.Text == "" {
			t.Errorf("%q has no answer", text)
		}
	}
}

func TestReplyAsJSON(t *testing.T) {
	w := newWorld(t)
	w.run("ann", "create first")
	w.run("ann", "create second")
	for _, text := range []string{"ack", "ack INC-1", "show INC-1", "list", "timeline INC-1", "oncall", "why primary", "simulate P0", "help", "nonsense"} {
		b, err := json.Marshal(w.run("ann", text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got struct {
			OK   bool
			Text string
		}
		if err := json.Unmarshal(b, &got); err != nil || got.Text == "" {
			t.Errorf("%q: %v in %s", text, err, b)
		}
	}
}

// No text panics, is a fault or stays without an answer, and a picker's choice
// never asks again.
func FuzzRun(f *testing.F) {
	for text := range needs {
		f.Add(text, "")
		f.Add(text, "INC-1")
	}
	for _, text := range []string{"“", "\"", "'", "<@", "<@U1|x>", "create \"", "inc", "INC 1", "#1", "=", "service=", "note ‘x’", "hold 1h", "override @bob from to", "swap @bob return", "simulate P0 \"", "\x00", "\xff\xfe", "update next= eta=:", "- - -", "9999-12-31 23:59 America/New_York", "2026-01-01T00:00:00+24:00", "0000-01-01T00:00:00Z"} {
		f.Add(text, "show")
	}
	f.Fuzz(func(t *testing.T, a, b string) { checkRun(t, a, b) })
}

// checkRun tries two texts as commands, in forms and as times.
func checkRun(t *testing.T, a, b string) {
	t.Helper()
	w := newWorld(t)
	w.run("ann", "create P1 first")
	w.run("ann", "create P2 second")
	ctx := context.Background()
	for _, s := range []string{a, a + " " + b, b + " " + a} {
		r := w.commands.Run(ctx, commands.Call{Text: s, By: person("ann"), Via: commands.ViaSlack, Now: w.now})
		if strings.TrimSpace(r.Text) == "" {
			t.Errorf("%q has no answer", s)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if r.Code == commands.CodeFault {
			t.Errorf("%q is a fault: %v", s, w.faults)
		}
		for _, p := range r.Pick {
			again := w.commands.Run(ctx, commands.Call{Text: p.Value, By: person("ann"), Via: commands.ViaSlack, Now: w.now})
			if again.Code == commands.CodeWhich {
				t.Errorf("%q asks which incident again after %q", s, p.Value)
			}
		}
	}
	for _, name := range []string{"create", "update", "resolve", "reopen", "escalate", "page", "hold", "note", "severity", "lead", "role", "action"} {
		f := commands.FormSubmission{Name: name, Incident: "INC-1", Values: map[string]string{}}
		f.By, f.Now = person("ann"), w.now
		for _, field := range []string{"title", "severity", "service", "impact", "critical", "status", "text", "next", "eta", "cause", "fix", "postmortem", "target", "person", "reason", "for", "role", "due"} {
			f.Values[field] = a
		}
		if r := w.commands.Submit(ctx, f); r.Code == commands.CodeFault || strings.TrimSpace(r.Text) == "" {
			t.Errorf("the form %s with %q: %+v, %v", name, a, r, w.faults)
		}
		f.Call.Text = b
		if r := w.commands.OpenForm(ctx, f.Call, name); strings.TrimSpace(r.Text) == "" {
			t.Errorf("opening %s with %q has no answer", name, b)
		}
	}
	if at, err := commands.ParseTime(a, w.now, nil); err == nil {
		if _, err := json.Marshal([]time.Time{at, at.UTC()}); err != nil {
			t.Errorf("%q is %s: %v", a, at, err)
		}
	}
	_, _ = commands.ParseDay(a, w.now, nil)
	_, _ = commands.ParseSpan(a)
}

// linePieces are what people write in commands.
var linePieces = []string{
	"create", "ack", "update", "status", "severity", "lead", "role", "escalate", "page", "hold", "note", "action", "resolve", "reopen", "merge", "override", "swap", "playbook", "postmortem", "drill", "alert", "maintenance", "alerts", "list", "show", "timeline", "oncall", "why", "simulate", "help", "critical", "snooze", "stats", "private", "comms", "accept",
	"INC-1", "inc 2", "#1", "INC-999999999", "INC", "inc-", "P0", "[P1]", "p9", "identified", "resolved", "@bob", "<@U1>", "<@U1|bob>", "<@", "<!here>", "<#C1|x>", "<mailto:a@b.c|a@b.c>", "<https://x|y>", "a@b.c", "rota:primary", "primary", "secondary", "ops", "commander", "L1", "L99",
	"from", "to", "until", "for", "in", "return", "next", "at", "ago", "now", "today", "tomorrow", "tonight", "Fri", "monday", "18:00", "24:00", "9am", "12pm", "noon", "2h", "1h30m", "0s", "999999w", "999999.999h", "1.5d", "2026-01-05", "9999-12-31", "1970-01-01", "2026-02-30", "2026-03-29", "02:30", "23:59", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "../etc", "UTC", "2026-01-01T00:00:00+24:00", "9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "-", "–",
	"service=api", "impact=", "next=", "eta=:", "cause=", "=", "key=\"a b\"", "if", "because", "on", "of", "by", "like", "done", "accept", "decline", "return", "all", "--help", "-h", "?", "list", "cancel", "run", "1", "2.", "-1", "99999999999999999999",
	"\"", "'", "“", "”", "‘", "`", "```", "\\", "<", ">", "&", "&lt;", "*", "_", "~", "|", ":", ",", ";", "/", "(", ")", "[", "{", "\n", "\t", "\r", "\u00a0", "\u2028", "\u202e", "\ufeff", "\x00", "\xff", "\xed\xa0\x80", "💥", "İ", "K", "ſ", "ß", "ﬃ",
}

// TestRunComposed: whatever a command is made of, it is answered.
func TestRunComposed(t *testing.T) {
	seed, times := uint64(1), 40
	if n, err := strconv.ParseUint(os.Getenv("COMPOSED_SEED"), 10, 64); err == nil {
		seed = n
	}
	if n, err := strconv.Atoi(os.Getenv("COMPOSED_TIMES")); err == nil {
		times *= n
	}
	r := rand.New(rand.NewPCG(seed, 1))
	text := func() string {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(linePieces[r.IntN(len(linePieces))])
			if r.IntN(5) > 0 {
				b.WriteByte(' ')
			}
		}
		return b.String()
	}
	for range times {
		if checkRun(t, text(), text()); t.Failed() {
			return
		}
	}
}
