package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// recorder is a testing.TB that keeps errors instead of failing, to see that the harness finds them.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func TestTheHarnessFindsErrorsAndRequestsElsewhere(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser is slow: not with -short")
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<link rel="icon" href="data:,"><div id="app" data-ready="true"></div><img src="http://elsewhere.example.com/x.png" alt="">
<script>console.error("said so"); setTimeout(() => { throw new Error("thrown"); }); fetch("/missing").then(() => { document.title = "done"; });</script>`)
	}))
	defer page.Close()
	r := &recorder{TB: t}
	b := Open(r, page.URL)
	b.WaitTrue("all is done", `document.title === "done"`)
	b.Expect("missing")
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	all := strings.Join(r.errors, "\n")
	for _, want := range []string{"said so", "thrown", "http://elsewhere.example.com/x.png"} {
		if !strings.Contains(all, want) {
			t.Errorf("the harness did not report %q, only:\n%s", want, all)
		}
	}
	if strings.Contains(all, "/missing") {
		t.Errorf("an expected problem was reported:\n%s", all)
	}
}

func TestWithoutABrowserCIFailsAndOthersSkip(t *testing.T) {
	t.Setenv("MUSTER_CHROMIUM", "no-such-browser")
	for _, c := range []struct{ ci, want string }{{"true", "failed"}, {"", "skipped"}} {
		t.Setenv("CI", c.ci)
		got := make(chan string, 1)
		go func() {
			q := &quitter{TB: t}
			defer func() { got <- q.how }()
			Open(q, "http://127.0.0.1:1")
		}()
		if how := <-got; how != c.want {
			t.Errorf("with CI=%q: %s, want %s", c.ci, how, c.want)
		}
	}
}

// quitter notes how a test was ended.
type quitter struct {
	testing.TB
	how string
}

func (q *quitter) Fatal(...any) { q.end("failed") }
func (q *quitter) Skip(...any)  { q.end("skipped") }
func (q *quitter) end(how string) {
	q.how = how
	runtime.Goexit()
}
