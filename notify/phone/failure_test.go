package phone_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/notify/phone"
	"muster/outbox"
	"muster/workspace/twilio"
)

// class names an error as the outbox takes it.
func class(err error) string {
	var permanent outbox.PermanentError
	var after outbox.RetryAfterError
	var unsent outbox.NotSentError
	switch {
	case err == nil:
		return "delivered"
	case errors.As(err, &permanent):
		return "permanent"
	case errors.As(err, &after):
		return "retry after " + after.After.String()
	case errors.As(err, &unsent):
		return "not sent"
	}
	return "unclear"
}

// outboxed delivers as the outbox does: it waits 1 s, 2 s, 4 s … after a
// failure and says when an attempt may have had an effect. It gives the class
// of each attempt.
func (r *rig) outboxed(most int) (classes []string, last incident.Receipt) {
	r.t.Helper()
	m, maybe, pause := page(), false, time.Second
	for range most {
		ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
		got, err := r.phone.Deliver(ctx, m, maybe)
		cancel()
		kind := class(err)
		classes = append(classes, kind)
		if err != nil {
			secretFree(r.t, "the error", err.Error())
		}
		if kind == "delivered" || kind == "permanent" {
			return classes, got
		}
		maybe = maybe || kind == "unclear"
		time.Sleep(pause)
		pause = min(2*pause, time.Minute)
	}
	return classes, last
}

// TestFailures is the table of what goes wrong with a call: what the outbox is
// told, and how many calls there are in the end.
func TestFailures(t *testing.T) {
	once := func(f twilio.Faults) twilio.Faults {
		f.Method, f.Times = "POST", 1
		return f
	}
	for name, c := range map[string]struct {
		faults twilio.Faults
		want   string // classes of the attempts
		calls  int
	}{
		"no fault":                      {twilio.Faults{}, "delivered", 1},
		"400 invalid number":            {once(twilio.Faults{Status: 400, Code: 21211}), "permanent", 0},
		"400 country not allowed":       {once(twilio.Faults{Status: 400, Code: 21215}), "permanent", 0},
		"400 unknown code":              {once(twilio.Faults{Status: 400, Code: 29999}), "permanent", 0},
		"401":                           {once(twilio.Faults{Status: 401, Code: 20003}), "permanent", 0},
		"403":                           {once(twilio.Faults{Status: 403, Code: 20006}), "permanent", 0},
		"404":                           {once(twilio.Faults{Status: 404, Code: 20404}), "permanent", 0},
		"429 with Retry-After":          {once(twilio.Faults{Status: 429, Code: 20429, RetryAfter: "7"}), "retry after 7s, delivered", 1},
		"429 without Retry-After":       {once(twilio.Faults{Status: 429, Code: 20429}), "retry after 5s, delivered", 1},
		"500":                           {once(twilio.Faults{Status: 500, Code: 20500}), "unclear, unclear, delivered", 1},
		"503 all the time":              {twilio.Faults{Method: "POST", Status: 503}, "unclear, unclear, unclear, unclear", 0},
		"accepts and loses answer":      {once(twilio.Faults{LoseAnswer: true}), "unclear, delivered", 1},
		"accepts and loses the call":    {once(twilio.Faults{DropCalls: true}), "delivered", 1},
		"times out":                     {once(twilio.Faults{Slow: 12 * time.Second}), "unclear, unclear, delivered", 1},
		"slow 30 s":                     {once(twilio.Faults{Slow: 30 * time.Second}), "unclear, unclear, unclear, unclear, unclear, delivered", 1},
		"slow 30 s and nothing comes":   {once(twilio.Faults{Slow: 30 * time.Second, Status: 500}), "unclear, unclear, unclear, unclear, unclear, delivered", 1},
		"lost, and the look is refused": {twilio.Faults{Times: 2, LoseAnswer: true}, "unclear, not sent, delivered", 1},
	} {
		for _, where := range []string{public, ""} {
			t.Run(name+" "+where, func(t *testing.T) {
				inRig(t, func(c *phone.Config) { c.Public = where }, func(t *testing.T, r *rig) {
					r.twilio.SetFaults(c.faults)
					classes, got := r.outboxed(min(6, max(4, strings.Count(c.want, ",")+1)))
					// With a public address the status callback can name the call before the look.
					want := c.want
					if where != "" && name == "lost, and the look is refused" {
						want = "unclear, delivered"
					}
					if s := strings.Join(classes, ", "); s != want {
						t.Errorf("%s (%q): %s; want %s", name, where, s, want)
					}
					synctest.Wait()
					if n := len(r.twilio.Calls()); n != c.calls {
						t.Errorf("%s (%q): %d calls; want %d", name, where, n, c.calls)
					} else if n == 1 && got.Ref != r.twilio.Calls()[0].SID {
						t.Errorf("%s: the receipt is %q", name, got.Ref)
					}
				})
			})
		}
	}
}

func TestReasonsNameTheCode(t *testing.T) {
	for code, part := range map[int]string{
		21211: "the number is not valid; correct phone: in oncall/rotation.yaml (HTTP 400, code 21211)",
		21214: "the number cannot be reached (HTTP 400, code 21214)",
		21215: "allow it in Twilio's voice geographic permissions (HTTP 400, code 21215)",
		21610: "unsubscribed",
		20003: "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
		29999: "it did not accept the request (HTTP 400, code 29999)",
	} {
		inRig(t, nil, func(t *testing.T, r *rig) {
			r.twilio.SetFaults(twilio.Faults{Status: 400, Code: code})
			_, err := r.phone.Deliver(t.Context(), page(), false)
			var permanent outbox.PermanentError
			if !errors.As(err, &permanent) || !strings.Contains(permanent.Reason, part) {
				t.Errorf("code %d says %v", code, err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	c, err := phone.New(phone.Config{AccountSID: "AC1", AuthToken: token, From: "+15005550006", APIURL: closed})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deliver(t.Context(), page(), false); class(err) != "not sent" || err.Error() != "not sent: Twilio: cannot call: the connection was refused; check that it runs, and TWILIO_API_URL" {
		t.Errorf("a refused connection is %s: %v", class(err), err)
	}
	c, err = phone.New(phone.Config{AccountSID: "AC1", AuthToken: token, From: "+15005550006", HTTP: &http.Client{Transport: broken{&net.DNSError{Err: "no such host", Name: "x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deliver(t.Context(), page(), false); class(err) != "not sent" {
		t.Errorf("a name that does not resolve is %s: %v", class(err), err)
	}
	m := page()
	m.To.Phone = ""
	if _, err := c.Deliver(t.Context(), m, false); class(err) != "permanent" {
		t.Errorf("nobody's number is %s: %v", class(err), err)
	}
}

type broken struct{ err error }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, b.err }

func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := 0
	c, err := phone.New(phone.Config{AccountSID: "AC1", AuthToken: token, From: "+15005550006", HTTP: &http.Client{Transport: answering(func(*http.Request) *http.Response {
		asked++
		return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"http://elsewhere.test/"}}, Body: http.NoBody}
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deliver(t.Context(), page(), false); class(err) != "permanent" || asked != 1 {
		t.Errorf("a redirect is %s after %d requests: %v", class(err), asked, err)
	}
}

type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(q *http.Request) (*http.Response, error) { return a(q), nil }

// TestRestartLooksFirst: the process dies after a call was made and before it
// was settled.
func TestRestartLooksFirst(t *testing.T) {
	inRig(t, func(c *phone.Config) { c.Public = "" }, func(t *testing.T, r *rig) {
		a, b := page(), page()
		b.Delivery, b.Incident.ID = "INC-13/2/0", "INC-13"
		for _, m := range []string{a.Delivery, b.Delivery} {
			p := a
			p.Delivery = m
			r.call(p)
		}
		r.restart()
		first, err := r.phone.Deliver(t.Context(), a, true)
		if err != nil {
			t.Fatal(err)
		}
		second, err := r.phone.Deliver(t.Context(), b, true)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.twilio.Calls()); n != 2 || first.Ref == second.Name {
			t.Errorf("two pages of one person have the calls %q and %q of %d", first.Ref, second.Name, n)
		}
		// A third page that was never made is not taken for one of them.
		b.Delivery = "INC-14/1/0"
		if _, err := r.phone.Deliver(t.Context(), b, true); err != nil || len(r.twilio.Calls()) != 3 {
			t.Errorf("a page without a call: %v, %d calls", err, len(r.twilio.Calls()))
		}
	})
}

// restart forgets what the process knew.
func (r *rig) restart() {
	transport := r.transport
	r.phone = r.channel(transport, func(c *phone.Config) { c.Public = "" })
}

func TestOlderAndOtherCallsAreNotTaken(t *testing.T) {
	inRig(t, func(c *phone.Config) { c.Public = "" }, func(t *testing.T, r *rig) {
		r.call(page())
		elsewhere := page()
		elsewhere.Delivery, elsewhere.To.Phone = "INC-12/2/0", otherNum
		time.Sleep(5 * time.Minute)
		r.restart()
		r.call(elsewhere)
		again := page() // five minutes later
		again.Delivery = "INC-12/3/0"
		if _, err := r.phone.Deliver(t.Context(), again, true); err != nil || len(r.twilio.Calls()) != 3 {
			t.Errorf("the repeated page: %v, %d calls; want a new one", err, len(r.twilio.Calls()))
		}
	})
}

func TestSameDeliveryIsOneCall(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		one := r.call(page())
		got, err := r.phone.Deliver(t.Context(), page(), true)
		if err != nil || got.Ref != one.SID || len(r.twilio.Calls()) != 1 {
			t.Errorf("%v, %v, %d calls", got, err, len(r.twilio.Calls()))
		}
	})
}

// TestManyAtOnce: sixty people for sixty incidents.
func TestManyAtOnce(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		failed := make(chan error, 60)
		for i := range 60 {
			m := page()
			m.Delivery, m.To.Phone = fmt.Sprint("INC-", i), fmt.Sprintf("+120255501%02d", i)
			go func() {
				_, err := r.phone.Deliver(t.Context(), m, i%2 == 0)
				failed <- err
			}()
		}
		for range 60 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		if n := len(r.twilio.Calls()); n != 60 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestCallsThatNeverRangAreMadeAgain(t *testing.T) {
	inRig(t, func(c *phone.Config) { c.Public = "" }, func(t *testing.T, r *rig) {
		r.twilio.SetFaults(twilio.Faults{Times: 1, LoseAnswer: true, DropCalls: true})
		if _, err := r.phone.Deliver(t.Context(), page(), false); class(err) != "unclear" {
			t.Fatal(err)
		}
		m := page()
		time.Sleep(40 * time.Second)
		m.Page.At = m.Page.At.Add(-time.Second)
		if _, err := r.phone.Deliver(t.Context(), m, true); err != nil || len(r.twilio.Calls()) != 2 {
			t.Errorf("%v, %d calls; want a second one", err, len(r.twilio.Calls()))
		}
	})
}

// TestACallUnderWayIsNotTakenForAnother: until its answer is here, nobody can
// tell whose a new call is.
func TestACallUnderWayIsNotTakenForAnother(t *testing.T) {
	inRig(t, nil, func(t *testing.T, r *rig) {
		r.twilio.SetFaults(twilio.Faults{Method: "POST", Times: 1, Slow: 3 * time.Second})
		done := make(chan incident.Receipt)
		go func() {
			got, err := r.phone.Deliver(t.Context(), page(), false)
			if err != nil {
				t.Error(err)
			}
			done <- got
		}()
		time.Sleep(time.Second)
		second := page()
		second.Delivery = "INC-13/1/0"
		if _, err := r.phone.Deliver(t.Context(), second, true); class(err) != "unclear" {
			t.Errorf("beside a call under way: %s %v", class(err), err)
		}
		first := <-done
		got, err := r.phone.Deliver(t.Context(), second, true)
		if err != nil || got.Ref == first.Ref || len(r.twilio.Calls()) != 2 {
			t.Errorf("afterwards: %v, %v, %d calls", got, err, len(r.twilio.Calls()))
		}
	})
}
