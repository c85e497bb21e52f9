package app

import (
	"context"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"muster/incident"
	"muster/playbooks/evidence"
	"muster/playbooks/run"
	"muster/report"
)

// examples is where the played incident's documents go.
var examples = flag.String("examples", "", "write the example of a post-mortem and its pictures into this folder, relative to the package's")

const wholeBook = `---
alerts: [CheckoutErrors]
---
# Checkout down

Severity: P0 - Critical

## Look

` + "```bash\nkubectl get pods -n <namespace>\n```" + `

## Give it more pods

` + "```bash\nkubectl scale deployment/checkout --replicas=8 -n prod\n```" + `

## Back to the release before

` + "```bash\nkubectl rollout undo deployment/checkout -n prod\n```" + `
`

const wholeYAML = `
permissions:
  operate: [dan@example.com, carol@example.com]
  approve: [erin@example.com, carol@example.com]
watch:
  queries:
    - {name: error rate, expr: errors, unit: ratio, limit: 0.05}
    - {name: p95, expr: p95, unit: s, limit: 1}
postmortem:
  failed_requests: sum(increase(failed[SPAN]))
  requests: sum(increase(requests[SPAN]))
`

// shopMetrics answers like the Prometheus of a shop whose checkout broke at
// began and was mended after half an hour.
type shopMetrics struct{ began time.Time }

func (m shopMetrics) value(expr string, at time.Time) float64 {
	minute := at.Sub(m.began).Minutes()
	wave := math.Sin(minute/3) * math.Sin(minute/7)
	broken := 1 / (1 + math.Exp(-(minute-1)*1.2)) / (1 + math.Exp((minute-28)*1.1))
	switch {
	case strings.Contains(expr, "failed"):
		return 21_408
	case strings.Contains(expr, "requests"):
		return 96_120
	case strings.Contains(expr, "p95"):
		return 0.24 + 0.03*wave + broken*(2.4+0.4*wave)
	default:
		return 0.004 + 0.002*math.Abs(wave) + broken*(0.24+0.05*wave)
	}
}

func (m shopMetrics) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	seconds := func(name string) time.Time {
		v, _ := strconv.ParseFloat(r.Form.Get(name), 64)
		return time.UnixMilli(int64(v * 1000))
	}
	expr, kind, result := r.Form.Get("query"), "vector", ""
	if strings.HasSuffix(r.URL.Path, "query_range") {
		step, err := strconv.ParseFloat(strings.TrimSuffix(r.Form.Get("step"), "s"), 64)
		if err != nil || step <= 0 {
			return nil, fmt.Errorf("the step is %q", r.Form.Get("step"))
		}
		var points []string
		for at, end := seconds("start"), seconds("end"); !at.After(end); at = at.Add(time.Duration(step * float64(time.Second))) {
			points = append(points, fmt.Sprintf(`[%d,"%g"]`, at.Unix(), m.value(expr, at)))
		}
		kind, result = "matrix", `{"metric":{},"values":[`+strings.Join(points, ",")+`]}`
	} else {
		at := seconds("time")
		result = fmt.Sprintf(`{"metric":{},"value":[%d,"%g"]}`, at.Unix(), m.value(expr, at))
	}
	if strings.HasPrefix(expr, "up") {
		result = "" // of the alert itself nothing is kept
	}
	rec := httptest.NewRecorder()
	fmt.Fprintf(rec, `{"status":"success","data":{"resultType":%q,"result":[%s]}}`, kind, result)
	return rec.Result(), nil
}

// wholeIncident plays an incident with alerts, pages that nobody answers, an
// escalation, steps of a playbook, an undo and a missed update, and gives what
// is known of it. Nobody writes a word of the post-mortem.
func wholeIncident(t *testing.T) (pm report.Postmortem) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 4, 2, 57, 0, 0, time.UTC)))
		w := newWorld(t, map[string]string{"playbooks/checkout-down.md": wholeBook, "muster.yaml": wholeYAML})
		defer w.end()
		c := newCluster()
		w.change = func(o *Options) {
			o.Steps, o.Evidence = c, evidence.Open(filepath.Join(w.dir, "evidence"), time.Now)
			o.Env.PrometheusURL, o.HTTP = "http://prometheus.local", &http.Client{Transport: shopMetrics{time.Now()}}
		}
		w.start()
		defer func() { w.stop() }()
		const dan = "dan@example.com"
		say := func(who, text string) {
			w.Helper()
			w.post(200, text, who, "")
		}
		second := w.program.roster.OnCall("secondary", time.Now()).Contacts[0].Person.Key
		checkout := fires{name: "CheckoutErrors", severity: "critical", service: "checkout", instance: "a:80", summary: "Checkout fails for many", since: time.Now()}
		slow := fires{name: "CheckoutSlow", severity: "warning", service: "checkout", instance: "a:80", summary: "Checkout is slow", since: time.Now()}
		w.told(hook("g", checkout, slow))
		card := w.card("P0 Incident")
		time.Sleep(15*time.Minute + 30*time.Second) // nobody answers; the second level is paged
		say(second, "ack INC-1")
		say(second, "lead INC-1 me")
		say(second, "role INC-1 ops @dan")
		w.clickIn("dan", card, "Open the playbook", "A playbook fits")
		w.clickIn("dan", card, "Run …", "Look", "kubectl get pods")
		w.submit("dan", w.form("dan", "namespace"), map[string]any{"value namespace": "prod"})
		w.run(1, incident.Ended)
		time.Sleep(6 * time.Minute) // the update is late by now
		say(second, "update INC-1 Identified All pods of checkout answer with errors since release 4.2 impact: Customers cannot pay")
		w.clickIn("dan", card, "Preview", "Give it more pods")
		w.run(2, incident.Waiting)
		w.clickIn("erin", card, "Approve", "This would run")
		w.run(2, incident.Ended)
		time.Sleep(3 * time.Minute)
		say(dan, "note INC-1 more pods do not help, they fail as well")
		w.clickIn("dan", card, "Undo", "is done", "scale")
		w.run(3, incident.Waiting)
		w.click("carol", w.inThread(card, 30*time.Second, "Undo:", "This would run"), "#incidents", "Approve")
		w.run(3, incident.Ended)
		time.Sleep(time.Minute)
		say(second, "update INC-1 Mitigating We go back to the release before")
		c.set(func(c *cluster) { c.result = run.Result{} })
		w.clickIn("dan", card, "Preview", "Back to the release before")
		w.run(4, incident.Waiting)
		w.clickIn("erin", card, "Approve", "This would run", "rollout undo")
		w.run(4, incident.Ended)
		time.Sleep(7 * time.Minute)
		checkout.over, slow.over = true, true
		w.told(hook("g", checkout, slow))
		say(second, "action INC-1 Try each release on one pod before the others @dan 2026-03-11")
		say(second, "action INC-1 A second phone for the first on call @carol 2026-03-06")
		say(second, `resolve INC-1 cause="Release 4.2 reads a column that the database does not have yet." fix="Rolled back to release 4.1."`)
		time.Sleep(31 * time.Minute)
		var err error
		if pm, err = w.program.postmortem(t.Context(), "INC-1"); err != nil {
			t.Fatal(err)
		}
	})
	return pm
}

// A post-mortem of a played incident is complete without edits. With -examples
// ../docs it is written into the documents, with pictures of its page.
func TestPostmortemOfAWholeIncident(t *testing.T) {
	pm := wholeIncident(t)
	page, err := report.HTML(pm, "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := report.Markdown(pm, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{"Markdown": string(text), "page": string(page)} {
		for _, part := range []string{
			"CheckoutErrors", "It lasted", "21,408 of 96,120 requests failed (22.3 %)", "Customers cannot pay", "Release 4.2 reads a column", "Rolled back to release 4.1.",
			"was not answered in its", "L1 and L3 were paged", "came late", "taken back", "kubectl scale deployment/checkout --replicas=8 -n prod", "kubectl rollout undo",
			"approved by", "Try each release on one pod", "due 2026-03-11", "the operations lead", "The commander",
		} {
			if !strings.Contains(doc, part) {
				t.Errorf("the %s does not say %q", name, part)
			}
		}
		for _, part := range []string{"nobody declared", "somebody else", ".;", "Nobody has", "Nothing was", "Not known yet", "<no value>", "%!"} {
			if strings.Contains(doc, part) {
				t.Errorf("the %s says %q", name, part)
			}
		}
	}
	if n := strings.Count(string(page), "<svg"); n != 4 {
		t.Errorf("the page has %d charts, want two, light and dark", n)
	}
	if *examples == "" {
		return
	}
	write := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(*examples, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("example/post-mortem.md", text)
	for _, c := range pm.Charts {
		write("example/charts/"+c.File(), c.SVG)
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]shot{
		"post-mortem.png": {820, 1640, "light", ""}, "post-mortem-dark.png": {820, 1640, "dark", "#timeline"}, "post-mortem-phone.png": {390, 1640, "light", ""},
	} {
		write("img/"+name, s.take(t, file))
	}
}

// shot is how a page is looked at.
type shot struct {
	width, height int64
	scheme        string
	part          string // where the picture begins; empty: at the top
}

// take gives a picture of the page in headless Chromium, as high as the window.
func (s shot) take(t *testing.T, file string) []byte {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("no browser for the pictures: install chromium: %v", err)
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("hide-scrollbars", true))
	start, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	defer stop()
	tab, closeTab := chromedp.NewContext(start)
	defer closeTab()
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s.scheme}}}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(s.width, s.height), chromedp.Navigate("file://"+file+s.part)); err != nil {
		t.Fatal(err)
	}
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	return data
}
