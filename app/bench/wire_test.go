package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/app"
	"muster/config"
	"muster/workspace"
	"muster/workspace/inbox"
	"muster/workspace/pagerduty"
	"muster/workspace/twilio"
)

// crowd is how many people can be paged besides the rotas' own.
const crowd = 60

// wire is the whole program with a pager, telephones and a mail server, each
// over TCP on the loopback, and notes when each page was there: when PagerDuty
// and Twilio had read the request, when the mail server had taken the mail.
type wire struct {
	*testing.B
	dir  string
	ws   *workspace.Workspace
	url  string // of the program
	http *http.Client

	mu   sync.Mutex
	seen map[int]map[string]time.Time // by case and method, the first time
}

// aCase is what tells one incident's pages from another's. Its number is
// written without a zero in front, as it may be read aloud.
func aCase(n int) string { return fmt.Sprintf("Case %d", n+1000) }

var caseNumber = regexp.MustCompile(`Case (\d+)`)

func (w *wire) note(method, text string) {
	now := time.Now()
	m := caseNumber.FindStringSubmatch(text)
	if m == nil {
		return
	}
	n, _ := strconv.Atoi(m[1])
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[n-1000] == nil {
		w.seen[n-1000] = map[string]time.Time{}
	}
	if w.seen[n-1000][method].IsZero() {
		w.seen[n-1000][method] = now
	}
}

// at is when a case's page over a method was there; zero: not yet.
func (w *wire) at(n int, method string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[n][method]
}

// noting notes a request's body before it is answered.
func (w *wire) noting(method, path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, path) {
			body, _ := io.ReadAll(r.Body)
			text := string(body)
			if form, err := url.QueryUnescape(text); err == nil && method == "phone" {
				text = form
			}
			w.note(method, text)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(rw, r)
	})
}

// ladderOfWays pages one person by another method for each severity.
const ladderOfWays = `levels:
  - {level: L1, title: One, role: primary, methods: [pagerduty], due: 0s, respond_within: 30m, until: acknowledged, severities: [P0]}
  - {level: L2, title: Two, role: primary, methods: [phone], due: 0s, respond_within: 30m, until: acknowledged, severities: [P1]}
  - {level: L3, title: Three, role: primary, methods: [email], due: 0s, respond_within: 30m, until: acknowledged, severities: [P2]}
last_resort: {slack: '#incidents'}
`

func newWire(b *testing.B) *wire {
	b.Helper()
	w := &wire{B: b, dir: b.TempDir(), seen: map[int]map[string]time.Time{}, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}}
	rota := "oncall_schedule:\n  primary:\n    name: Primary\n    members:\n      - {name: Alice Johnson, email: alice@example.com, phone: \"+12025550100\", slack: '@alice', pagerduty: PALICE}\n" +
		"  crowd:\n    name: Crowd\n    members:\n"
	users := []pagerduty.User{{ID: "PMUSTER", Name: "Muster", Email: "muster@example.com"}, {ID: "PALICE", Name: "Alice Johnson", Email: "alice@example.com"}}
	for i := range crowd {
		rota += fmt.Sprintf("      - {name: Person %02d, email: person%02d@example.com, phone: \"+120255502%02d\", slack: '@person%02[1]d', pagerduty: PX%02[1]d}\n", i, i, i)
		users = append(users, pagerduty.User{ID: fmt.Sprintf("PX%02d", i), Name: fmt.Sprintf("Person %02d", i), Email: fmt.Sprintf("person%02d@example.com", i)})
	}
	for name, text := range map[string]string{"oncall/rotation.yaml": rota, "escalation.yaml": ladderOfWays} {
		path := filepath.Join(w.dir, "config", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	live := configured(b, w.dir)
	pager := pagerduty.New(pagerduty.Config{Users: users})
	phones := twilio.New(twilio.Config{RingFor: time.Millisecond})
	mail := inbox.New(inbox.Config{Notify: func(m inbox.Mail) { w.note("email", m.Subject+" "+m.Text) }})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = pager.Run(ctx) })
	serve := func(h http.Handler) string {
		ln := loopback(b)
		server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
		context.AfterFunc(ctx, func() { _ = server.Close() })
		running.Go(func() { _ = server.Serve(ln) })
		return "http://" + ln.Addr().String()
	}
	pagerURL := serve(w.noting("pagerduty", "/incidents", pager.Handler()))
	phonesURL := serve(w.noting("phone", "/Calls.json", phones.Handler()))
	mailbox := loopback(b)
	running.Go(func() { _ = mail.Serve(ctx, mailbox) })
	b.Cleanup(func() {
		cancel()
		phones.Close()
		running.Wait()
	})
	ws, slackURL := slack(b, people(live.Get(), 0))
	w.ws = ws
	w.url = program(b, dataIn(w.dir), live, ws, slackURL, func(o *app.Options) {
		e := &o.Env
		e.MusterAPIToken = config.NewSecret("token")
		e.PagerDutyAPIKey, e.PagerDutyFrom, e.PagerDutyAPIURL = config.NewSecret("key"), "muster@example.com", pagerURL
		e.TwilioAccountSID, e.TwilioAuthToken = phones.AccountSID(), config.NewSecret(phones.AuthToken())
		e.TwilioFrom, e.TwilioAPIURL = phones.Number(), phonesURL
		e.SMTPURL, e.SMTPFrom = config.NewSecret("smtp://"+mailbox.Addr().String()), "Muster <muster@example.com>"
	})
	return w
}

func loopback(b *testing.B) net.Listener {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return ln
}

// say gives a command over HTTP, and gives the incident that it was about.
func (w *wire) say(text string) string {
	body, _ := json.Marshal(map[string]string{"text": text, "as": "alice@example.com"})
	req, err := http.NewRequest(http.MethodPost, w.url+"/v1/commands", bytes.NewReader(body))
	if err != nil {
		w.Error(err)
		return ""
	}
	req.Header.Set("Authorization", "Bearer token")
	resp, err := w.http.Do(req)
	if err != nil {
		w.Error(err)
		return ""
	}
	defer resp.Body.Close()
	var answer struct {
		OK       bool
		Text     string
		Incident string
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || !answer.OK {
		w.Errorf("%s: %d %s %v", text, resp.StatusCode, answer.Text, err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return answer.Incident
}
