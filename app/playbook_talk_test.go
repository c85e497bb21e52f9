package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/bot/render"
	"muster/incident"
	"muster/playbooks"
	"muster/playbooks/evidence"
	"muster/playbooks/run"
	"muster/workspace"
)

// talkBook is a playbook with messages and with steps that say something.
const talkBook = `# Checkout talks

Severity: P1

## Tell

### Tell everybody

` + "```template" + `
⏱️ Update: {{service}}
Status: Investigating
Actions taken: We look at {{service}} & the bank.
Next step: Roll back if a deployment began it
ETA: in 10 minutes
` + "```" + `

### A page for customers

` + "```template" + `
Status: Mitigating
Actions taken: Customers see a page.
` + "```" + `

## Say

### Say it

` + "```bash" + `
/incident status mitigating
/incident note <who> "looked; then left"
pagerduty-cli incidents acknowledge
` + "```" + `

### End the pages

` + "```bash\npagerduty-cli incidents resolve\n```" + `

### Print much

` + "```bash\nprintf '%06000d|%s|end\\n' 7 'a & b'\n```" + `

### Take long

` + "```bash\nwatch -n 1 -c 6 date +turn-%s\n```" + `
`

func TestPlaybookMessagesFillUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"playbooks/talk.md": talkBook})
		defer w.end()
		w.start()
		defer func() { w.stop() }()
		w.command("dan", "#incidents", `/incident create P1 checkout talks service=checkout`)
		card := w.card("checkout")
		w.clickIn("dan", card, "Open the playbook", "A playbook fits")
		w.inThread(card, 30*time.Second, "Tell everybody", "fills in the form of an update")
		w.wait(11*time.Minute, "reminder", func() bool { _, ok := find(w.thread(card), "an update on"); return ok })
		w.inThread(card, time.Second, "Status: Investigating", "We look at checkout &amp; the bank.", "Next step: Roll back if a deployment began it", "ETA: in 10 minutes")
		w.clickIn("dan", card, "Post update", "an update on")
		form := w.form("dan", "Actions taken")
		for _, want := range []string{"We look at checkout \\u0026 the bank.", "Roll back if a deployment began it", "in 10 minutes", `"Investigating"`} {
			if !strings.Contains(string(form.Blocks), want) {
				w.Errorf("the form has no %q: %s", want, form.Blocks)
			}
		}
		w.submit("dan", form, map[string]any{})
		w.inThread(card, 30*time.Second, "⏱️ Update: checkout", "We look at checkout &amp; the bank.", "ETA: in 10 minutes")
		// It is not said a second time by itself.
		if _, err := w.ws.Person("dan").Say("#incidents", "@muster note the bank answers", card.TS); err != nil {
			w.Fatal(err)
		}
		w.wait(30*time.Second, "note", func() bool { return w.facts("INC-1")["noted"] == 1 })
		w.click("dan", card, "#incidents", "Post update")
		form = w.form("dan", "the bank answers")
		if strings.Contains(string(form.Blocks), "We look at") {
			w.Errorf("the form says it again: %s", form.Blocks)
		}
		// The other message is for its own moment, by its button.
		w.clickIn("dan", card, stepButton(w.T, w.program, "A page for customers"), "Tell", "Customers see a page")
		w.form("dan", "Customers see a page.")
	})
}

// talker is a runner that says something as long as it runs.
type talker struct {
	for_  time.Duration
	every time.Duration
}

func (k *talker) Do(ctx context.Context, req run.Request) (run.Result, error) {
	said := ""
	for i := range int(k.for_ / k.every) {
		said += fmt.Sprintf("word %d\n", i)
		req.Progress([]byte(said))
		time.Sleep(k.every)
	}
	time.Sleep(time.Minute) // and is silent
	return run.Result{Ended: run.Done, Output: []byte("whole"), Commands: []string{req.Code}}, nil
}

// A step that talks without end changes its message now and then, the message
// has its last word soon, and nothing stands over the end.
func TestPlaybookProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]string{"playbooks/talk.md": talkBook})
		defer w.end()
		k := &talker{for_: 5 * time.Minute, every: 100 * time.Millisecond}
		w.change = func(opt *Options) {
			opt.Steps, opt.Evidence = k, evidence.Open(filepath.Join(w.dir, "evidence"), time.Now)
		}
		w.start()
		defer func() { w.stop() }()
		w.command("dan", "#incidents", `/incident create P2 checkout talks`)
		card := w.card("checkout")
		w.clickIn("dan", card, "Open the playbook", "A playbook fits")
		const at = 3 // steps at once share what Slack takes
		for _, title := range []string{"End the pages", "Print much", "Take long"} {
			w.clickIn("dan", card, stepButton(w.T, w.program, title), title)
		}
		w.run(at, incident.Running)
		before := w.ws.Calls()["chat.update"]
		began := time.Now()
		seen := 0
		for end := began.Add(k.for_); time.Now().Before(end); time.Sleep(5 * time.Second) {
			if m, ok := find(w.thread(card), "run 2", "runs since", "word "); ok && m.Edited != nil {
				seen++
			}
		}
		n := w.ws.Calls()["chat.update"] - before
		minutes := int(time.Since(began).Minutes())
		t.Logf("%d changes of messages in %d minutes by %d steps that print 10 lines a second", n, minutes, at)
		if n > 30*minutes+at*3 || n < 10*minutes {
			t.Errorf("%d changes of messages in %d minutes", n, minutes)
		}
		if seen < 50 {
			t.Errorf("of 60 looks, %d showed what the step said", seen)
		}
		last := fmt.Sprintf("word %d", int(k.for_/k.every)-1)
		w.wait(45*time.Second, "last word", func() bool { _, ok := find(w.thread(card), "run 2", "runs since", last); return ok })
		w.run(2, incident.Ended)
		w.inThread(card, 10*time.Second, "run 2", "is done", "whole")
		time.Sleep(time.Minute)
		w.inThread(card, time.Second, "run 2", "is done", "whole")
	})
}

// The real runner, a pager and the clicks of people: what steps say reaches
// the incident, PagerDuty and the thread.
func TestPlaybookStepsTalk(t *testing.T) {
	store := evidence.Open(t.TempDir(), time.Now)
	h := newHouseWith(t, map[string]string{"playbooks/talk.md": talkBook}, func(opt *Options) { opt.Evidence = store })
	dan := h.ws.Person("alice")
	_, err := dan.Command("#incidents", "/incident create P1 checkout talks service=checkout")
	h.must(err)
	h.paged()
	message := func(words ...string) (m workspace.Message) {
		h.Helper()
		h.until(30*time.Second, fmt.Sprintf("message with %q", words), func() (ok bool) {
			for _, top := range dan.Messages("#incidents") {
				if m, ok = find(dan.Thread("#incidents", top.TS), words...); ok {
					return true
				}
			}
			return false
		})
		return m
	}
	click := func(button string, words ...string) {
		h.Helper()
		_, err := dan.Click("#incidents", message(words...).TS, button)
		h.must(err)
	}
	ended := func(n int) incident.StepRun {
		h.Helper()
		var r incident.StepRun
		h.until(60*time.Second, fmt.Sprintf("end of run %d", n), func() bool {
			r, _ = h.state().Shelf.Run(n)
			return r.Phase == incident.Ended
		})
		if r.Outcome.End != incident.EndDone {
			h.Fatalf("run %d: %+v", n, r.Outcome)
		}
		return r
	}
	click("Open the playbook", "A playbook fits")

	click(stepButton(t, h.program, "Say it"), "Say it", "/incident note")
	var form workspace.View
	h.until(10*time.Second, "form", func() bool {
		if views := dan.Views(); len(views) > 0 {
			form = views[len(views)-1]
		}
		return strings.Contains(string(form.Blocks), "value who")
	})
	const who = `dan" ; resolve INC-1 $(id) "`
	_, err = dan.Submit(form.ID, map[string]any{"value who": who})
	h.must(err)
	r := ended(1)
	if len(r.Outcome.Said) != 3 {
		h.Errorf("it said %q", r.Outcome.Said)
	}
	s := h.state()
	if s.Status != incident.Mitigating || !s.Acked() || !s.Open() {
		h.Errorf("the incident is %s, acknowledged: %v, %q", s.Status, s.Acked(), r.Outcome.Said)
	}
	message("run 1", "/pagerduty acknowledge", "/incident status mitigating")
	history, err := h.program.incidents.History(t.Context(), "INC-1")
	h.must(err)
	noted := ""
	for _, rec := range history {
		if e, ok := rec.Event.(incident.Noted); ok && strings.Contains(e.Text, "looked") {
			noted = e.Text
		}
	}
	if want := who + " looked; then left"; noted != want {
		h.Errorf("the note is %q, not %q", noted, want)
	}
	h.until(20*time.Second, "acknowledged incident in PagerDuty", func() bool { return h.in.pagerduty.Incidents()[0].Status == "acknowledged" })

	click(stepButton(t, h.program, "End the pages"), "End the pages", "pagerduty-cli incidents resolve")
	ended(2)
	h.until(20*time.Second, "resolved incident in PagerDuty", func() bool { return h.in.pagerduty.Incidents()[0].Status == "resolved" })
	if !h.state().Open() {
		h.Error("the incident ended with its pages in PagerDuty")
	}

	click(stepButton(t, h.program, "Print much"), "Print much", "printf")
	r = ended(3)
	file := ""
	h.until(20*time.Second, "file", func() bool {
		for _, top := range dan.Messages("#incidents") {
			for _, m := range dan.Thread("#incidents", top.TS) {
				for _, f := range m.Files {
					file = fmt.Sprint(f["url_private_download"])
				}
			}
		}
		return file != ""
	})
	if got := h.fetch(file); len(got) != r.Outcome.Size || !strings.HasSuffix(got, "a & b|end\n") {
		h.Errorf("the file has %d of %d bytes: …%q", len(got), r.Outcome.Size, got[max(0, len(got)-20):])
	}
	message("run 3", "the whole comes as a file")

	click(stepButton(t, h.program, "Take long"), "Take long", "watch -n 1")
	message("run 4", "runs since", "turn-")
	ended(4)
	message("run 4", "is done", "turn-")
}

// stepButton is the action of a step's button.
func stepButton(t *testing.T, p *Program, title string) string {
	t.Helper()
	for _, b := range p.opt.Live.Get().Books {
		for _, s := range b.Steps() {
			switch {
			case s.Title != title:
			case s.Kind == playbooks.Template:
				return render.ActUpdate + ":" + s.ID
			case len(s.Params) > 0:
				return render.ActStepForm + ":" + s.ID
			default:
				return render.ActPick + ":step " + s.ID
			}
		}
	}
	t.Fatalf("there is no step %q", title)
	return ""
}

// fetch downloads a file from Slack.
func (h *house) fetch(url string) string {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), http.MethodGet, url, nil)
	h.must(err)
	req.Header.Set("Authorization", "Bearer "+h.ws.BotToken())
	resp, err := http.DefaultClient.Do(req)
	h.must(err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	h.must(err)
	return string(body)
}

func TestStepsWordsAreReadAsTheyStand(t *testing.T) {
	for want, words := range map[string][]string{
		"ack":                           {"ack"},
		`note "one two"`:                {"note", "one", "two"},
		`note ‘he said "no" and′s off’`: {"note", `he said "no" and's off`},
		`update mitigating "it works"`:  {"update", "mitigating", "it works"},
		`resolve "a deploy" fix="rolled back" postmortem=`: {"resolve", "a deploy", "fix=rolled back", "postmortem="},
		`create P1 "API = down"`:                           {"create", "P1", "API = down"},
	} {
		if got := asTyped(words); got != want {
			t.Errorf("%q is typed as %s, not %s", words, got, want)
		}
	}
}
