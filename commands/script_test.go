package commands_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"muster/commands"
	"muster/incident"
)

var rewrite = flag.Bool("update", false, "write the answers into the scripts")

// A script is a txtar file: a comment, and a section "script" of
//
//	at 2026-11-22 03:00               sets the clock (UTC)
//	wait 15m                          lets time go by
//	permission respond: @sre, …       gives a permission
//	group @sre: ann, bob              fills a user group
//	playbook api P0                   adds a playbook for titles with the word
//	card INC-1 C0INC 111.1            says where the card stands
//	room INC-1 C0ROOM                 says what the incident's channel is
//	settled INC-1 1 phone failed …    settles a page
//	@ann [key=K] [place=C/TS] [via=V] [link=L] /incident ack
//	@ann [key=K] submit create INC-1 title=…; severity=P0
//	@ann form update INC-1
//
// and behind each, what came of it: "> " the text, "! " the code of a refusal,
// "? " a choice, "= " a form's field, "x " a field's error, "~ repeated".
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, script, ok := strings.Cut(string(b), "-- script --\n")
			if !ok {
				t.Fatal("no section named script")
			}
			w := newWorld(t)
			got := head + "-- script --\n" + w.play(script)
			if len(w.faults) > 0 && !strings.Contains(head, "faults") {
				t.Errorf("faults: %v", w.faults)
			}
			if got == string(b) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Error(difference(string(b), got))
		})
	}
}

// difference shows the first line that differs, with those around it.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		if i < len(a) && i < len(b) && a[i] == b[i] {
			continue
		}
		upto := func(l []string) string { return strings.Join(l[min(i, len(l)):min(i+6, len(l))], "\n") }
		return fmt.Sprintf("line %d, after\n%s\nwant\n%s\n\ngot\n%s", i+1, strings.Join(b[max(0, i-3):i], "\n"), upto(a), upto(b))
	}
	return ""
}

func (w *world) play(script string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimRight(line, "\n")
		if line != "" && strings.ContainsRune(">!?=x~", rune(line[0])) && (len(line) == 1 || line[1] == ' ') {
			continue
		}
		out.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "@") {
			out.WriteString(shown(w.actor(line)))
			continue
		}
		w.verb(line)
	}
	return out.String()
}

func (w *world) verb(line string) {
	word, rest, _ := strings.Cut(line, " ")
	f := strings.Fields(rest)
	if w.stepVerb(word, f) {
		return
	}
	switch word {
	case "at":
		t, err := time.Parse("2006-01-02 15:04", rest)
		if err != nil {
			w.t.Fatal(err)
		}
		w.now = t
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			w.t.Fatal(err)
		}
		w.pass(d)
	case "permission":
		name, list, _ := strings.Cut(rest, ":")
		w.permissions = maps.Clone(w.permissions)
		w.permissions[commands.Permission(name)] = fieldsOf(list)
	case "group":
		name, list, _ := strings.Cut(rest, ":")
		w.groups[name] = nil
		for _, who := range fieldsOf(list) {
			w.groups[name] = append(w.groups[name], person(who).Key)
		}
	case "playbook":
		s, err := incident.ParseSeverity(f[1])
		if err != nil {
			w.t.Fatal(err)
		}
		w.playbooks[f[0]] = s
	case "card":
		w.tell(f[0], incident.Settled{Effect: incident.Announce{}, State: incident.PageDelivered, Receipt: incident.Receipt{Channel: f[1], TS: f[2]}})
	case "room":
		w.tell(f[0], incident.Settled{Effect: incident.Room{Step: incident.RoomCreate}, State: incident.PageDelivered, Receipt: incident.Receipt{Channel: f[1], Name: strings.ToLower(f[1])}})
	case "settled":
		var n int
		if _, err := fmt.Sscan(f[1], &n); err != nil {
			w.t.Fatal(err)
		}
		w.tell(f[0], incident.Settled{Effect: incident.Page{Attempt: n, Method: f[2]}, State: incident.PageState(f[3]), Reason: strings.Join(f[4:], " ")})
	default:
		w.t.Fatalf("%q is not a verb", word)
	}
}

func fieldsOf(list string) []string {
	var out []string
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// actor carries out one line of a person.
func (w *world) actor(line string) commands.Reply {
	who, rest, _ := strings.Cut(line[1:], " ")
	call := commands.Call{By: person(who), Via: commands.ViaSlack, Now: w.now}
	for {
		word, after, _ := strings.Cut(rest, " ")
		key, value, _ := strings.Cut(word, "=")
		switch {
		case key == "key" && value != "":
			call.Key = value
		case key == "place" && value != "":
			call.Channel, call.Thread, _ = strings.Cut(value, "/")
		case key == "via" && value != "":
			call.Via = value
		case key == "link" && value != "":
			call.Link, call.Source = value, value
		case word == "submit":
			return w.submit(call, after)
		case word == "form":
			name, text, _ := strings.Cut(after, " ")
			call.Text = text
			return w.commands.OpenForm(context.Background(), call, name)
		default:
			call.Text = strings.ReplaceAll(strings.TrimPrefix(rest, "/incident "), `\n`, "\n")
			return w.commands.Run(context.Background(), call)
		}
		rest = after
	}
}

func (w *world) submit(call commands.Call, text string) commands.Reply {
	f := commands.FormSubmission{Call: call, Values: map[string]string{}}
	head, fields, _ := strings.Cut(text, ": ")
	f.Name, f.Incident, _ = strings.Cut(head, " ")
	for _, field := range strings.Split(fields, "; ") {
		k, v, _ := strings.Cut(field, "=")
		f.Values[k] = v
	}
	return w.commands.Submit(context.Background(), f)
}

// shown writes an answer the way scripts have it.
func shown(r commands.Reply) string {
	var b strings.Builder
	line := func(mark string, words ...string) {
		b.WriteString(strings.TrimRight(mark+" "+strings.Join(words, ""), " ") + "\n")
	}
	for l := range strings.SplitSeq(r.Text, "\n") {
		line(">", l)
	}
	if r.Code != "" {
		line("!", r.Code)
	}
	for _, p := range r.Pick {
		line("?", p.Value, " | ", p.Label)
	}
	if r.Form != nil {
		line("=", r.Form.Title, " [", r.Form.Submit, "]")
		for _, f := range r.Form.Fields {
			line("=", f.Name, ": ", strings.ReplaceAll(f.Value, "\n", `\n`))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Errors)) {
		line("x", name, ": ", r.Errors[name])
	}
	if r.Repeated {
		line("~", "repeated")
	}
	return b.String()
}
