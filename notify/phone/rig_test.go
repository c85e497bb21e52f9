package phone_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/notify/phone"
	"muster/workspace"
	"muster/workspace/twilio"
)

const (
	api      = "http://api.twilio.test"
	public   = "https://muster.test/on-call" // behind a proxy that ends TLS and drops the path
	number   = "+12025550101"
	mail     = "alice@example.com"
	token    = "0123456789abcdef0123456789abcdef"
	otherNum = "+12025550102"
)

// rig is a channel, the stand-in and the wires between them, in a bubble.
type rig struct {
	t      *testing.T
	twilio *twilio.Server
	phone  *phone.Channel
	log    bytes.Buffer

	mu        sync.Mutex
	answers   []notify.Answer
	refuse    error
	progress  []phone.Progress
	transport http.RoundTripper
}

// inRig runs a test in a bubble; change adapts the configuration.
func inRig(t *testing.T, change func(*phone.Config), test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := &rig{t: t}
		theirs, ours := workspace.NewPipe(), workspace.NewPipe()
		transport := &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "api.twilio.test") {
				return theirs.Dial(ctx)
			}
			return ours.Dial(ctx)
		}}
		r.twilio = twilio.New(twilio.Config{AuthToken: token, SMSURL: public + phone.Root + "sms", HTTP: &http.Client{Transport: proxy{transport}, Timeout: 15 * time.Second}})
		r.transport = transport
		r.phone = r.channel(transport, change)
		var live sync.WaitGroup
		serve := func(l net.Listener, h http.Handler) {
			s := &http.Server{Handler: h}
			live.Go(func() { _ = s.Serve(l) })
			context.AfterFunc(ctx, func() { s.Close() })
		}
		serve(theirs, r.twilio.Handler())
		mux := http.NewServeMux()
		mux.Handle(phone.Root, http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) { r.phone.Handler().ServeHTTP(rw, q) }))
		serve(ours, mux)
		first := r.phone
		live.Go(func() { _ = first.Run(ctx) })
		test(t, r)
		r.twilio.Close()
		cancel()
		transport.CloseIdleConnections()
		live.Wait()
		r.clean()
	})
}

// channel makes a channel that talks to the rig's Twilio; a second one is what
// a restart leaves.
func (r *rig) channel(transport http.RoundTripper, change func(*phone.Config)) *phone.Channel {
	r.t.Helper()
	cfg := phone.Config{
		AccountSID: r.twilio.AccountSID(), AuthToken: token, From: r.twilio.Number(), APIURL: api, Public: public,
		HTTP: &http.Client{Transport: checked{r, transport}, Timeout: 10 * time.Second}, Listen: r.listen,
		Told: func(_ context.Context, p phone.Progress) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.progress = append(r.progress, p)
		},
		Log: slog.New(slog.NewTextHandler(&locked{r: r}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := phone.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// locked is the log; it is written from several goroutines.
type locked struct{ r *rig }

func (l *locked) Write(b []byte) (int, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return l.r.log.Write(b)
}

// clean fails when the log holds what it must not.
func (r *rig) clean() {
	r.mu.Lock()
	defer r.mu.Unlock()
	secretFree(r.t, "the log", r.log.String())
}

func secretFree(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{number, number[1:], url.QueryEscape(number), otherNum[1:], mail, token, "alice@", "15005550006"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds %s:\n%s", what, secret, text)
		}
	}
}

func (r *rig) listen(_ context.Context, a notify.Answer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	r.answers = append(r.answers, a)
	return nil
}

func (r *rig) heard() []notify.Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]notify.Answer(nil), r.answers...)
}

// proxy is what stands before the program: it ends TLS and drops the path.
type proxy struct{ next http.RoundTripper }

func (p proxy) RoundTrip(q *http.Request) (*http.Response, error) {
	q = q.Clone(q.Context())
	q.URL.Scheme, q.URL.Path = "http", strings.TrimPrefix(q.URL.Path, "/on-call")
	return p.next.RoundTrip(q)
}

func page() notify.Message {
	now := time.Now()
	return notify.Message{
		Delivery: "INC-12/7/0", Dedup: "INC-12/L1/" + mail, Now: now,
		Incident: incident.Incident{ID: "INC-12", Title: "API service down", Severity: incident.P0, Status: incident.Investigating},
		Page:     incident.Page{Attempt: 1, Level: "L1", Role: "primary", Method: "phone", Why: incident.WhyDue, At: now},
		To:       notify.Contact{Person: incident.Person{Key: mail, Name: "Alice Johnson"}, Phone: number},
		Link:     "https://example.slack.com/archives/C1/p1",
	}
}

// call pages and gives the call that rings.
func (r *rig) call(m notify.Message) twilio.Call {
	r.t.Helper()
	got, err := r.phone.Deliver(r.t.Context(), m, false)
	if err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
	calls := r.twilio.Calls()
	last := calls[len(calls)-1]
	if got.Ref != last.SID {
		r.t.Fatalf("the receipt names %q, the call is %q", got.Ref, last.SID)
	}
	return last
}

// press presses a key and waits until the call has gone on.
func (r *rig) press(c twilio.Call, key string) twilio.Call {
	r.t.Helper()
	if err := r.twilio.Press(c.SID, key); err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
	return r.now(c)
}

// now is the call as it stands.
func (r *rig) now(c twilio.Call) twilio.Call {
	for _, again := range r.twilio.Calls() {
		if again.SID == c.SID {
			return again
		}
	}
	r.t.Fatal("the call is gone")
	return c
}

func transcript(c twilio.Call) string {
	var lines []string
	for _, l := range c.Transcript {
		lines = append(lines, l.Who+": "+l.Text)
	}
	return strings.Join(lines, "\n")
}
