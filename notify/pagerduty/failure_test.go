package pagerduty_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"muster/notify/pagerduty"
	"muster/outbox"
	stand "muster/workspace/pagerduty"
)

// The classes of errors.
const (
	good      = "delivered"
	permanent = "permanent"
	later     = "retry after"
	notSent   = "not sent"
	unclear   = "unclear"
)

func class(err error) (string, time.Duration) {
	var p outbox.PermanentError
	var r outbox.RetryAfterError
	var n outbox.NotSentError
	switch {
	case err == nil:
		return good, 0
	case errors.As(err, &p):
		return permanent, 0
	case errors.As(err, &r):
		return later, r.After
	case errors.As(err, &n):
		return notSent, 0
	}
	return unclear, 0
}

// TestFailures: what each failure of the call that pages is to the outbox, how
// long it took, how often the person is woken when the outbox then does what
// it does, and what was left in PagerDuty.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  stand.Fault
		refuse bool
		want   string
		after  time.Duration
	}{
		{name: "refused", refuse: true, want: notSent},
		{name: "times out", fault: stand.Fault{Delay: time.Hour, Cut: true}, want: unclear},
		{name: "400", fault: stand.Fault{Status: 400, Code: 2001}, want: permanent},
		{name: "401", fault: stand.Fault{Status: 401, Code: 2006}, want: permanent},
		{name: "402", fault: stand.Fault{Status: 402, Code: 2014}, want: permanent},
		{name: "403", fault: stand.Fault{Status: 403, Code: 2010}, want: permanent},
		{name: "404", fault: stand.Fault{Status: 404, Code: 2100}, want: permanent},
		{name: "408", fault: stand.Fault{Status: 408, Code: 2016}, want: unclear},
		{name: "redirect", fault: stand.Fault{Status: 307, Header: map[string]string{"Location": "http://elsewhere.test/"}}, want: permanent},
		{name: "429 with ratelimit-reset", fault: stand.Fault{Status: 429, Code: 2020, Header: map[string]string{"ratelimit-reset": "20"}}, want: later, after: 20 * time.Second},
		{name: "429 with Retry-After", fault: stand.Fault{Status: 429, Header: map[string]string{"Retry-After": "7"}}, want: later, after: 7 * time.Second},
		{name: "429 without", fault: stand.Fault{Status: 429}, want: later, after: 10 * time.Second},
		{name: "429 with nonsense", fault: stand.Fault{Status: 429, Header: map[string]string{"Retry-After": "-9"}}, want: later, after: 10 * time.Second},
		{name: "500", fault: stand.Fault{Status: 500, Code: 2000}, want: unclear},
		{name: "500 after it was done", fault: stand.Fault{Status: 500, Done: true}, want: unclear},
		{name: "503", fault: stand.Fault{Status: 503}, want: unclear},
		{name: "breaks off", fault: stand.Fault{Cut: true}, want: unclear},
		{name: "accepts and then loses the answer", fault: stand.Fault{Done: true, Cut: true}, want: unclear},
		{name: "accepts and then loses the page", fault: stand.Fault{Swallow: true}, want: good},
		{name: "slow 30 s", fault: stand.Fault{Delay: 30 * time.Second, Done: true, Slow: true}, want: unclear},
		{name: "slow 5 s", fault: stand.Fault{Delay: 5 * time.Second, Slow: true}, want: good},
	} {
		for mode, change := range map[string]func(*pagerduty.Config, *stand.Config){"REST": nil, "events": events} {
			t.Run(c.name+" "+mode, func(t *testing.T) {
				inWorld(t, change, func(t *testing.T, w *world) {
					if err := w.ch.Warm(t.Context(), message().To); err != nil {
						t.Fatal(err)
					}
					fault := c.fault
					fault.Method, fault.Path, fault.Times = "POST", "/incidents", 1
					if mode == "events" {
						fault.Path = "/v2/enqueue"
					}
					if c.refuse {
						w.cfg.HTTP.CloseIdleConnections()
						w.refuse.Store(true)
					} else {
						w.pd.Break(fault)
					}
					m, began := message(), time.Now()
					got, err := w.ch.Deliver(t.Context(), m, false)
					if is, after := class(err); is != c.want || after != c.after {
						t.Fatalf("it is %s after %v, want %s after %v: %v", is, after, c.want, c.after, err)
					}
					if took := time.Since(began); took > 11*time.Second {
						t.Errorf("it took %v", took)
					}
					if err != nil {
						clean(t, "the error", err.Error())
					} else if got.Ref == "" {
						t.Error("the receipt has no ref")
					}
					// What the outbox does next; everything works again.
					w.refuse.Store(false)
					time.Sleep(time.Minute)
					switch c.want {
					case permanent, good:
						return
					}
					if _, err := w.ch.Deliver(t.Context(), m, c.want == unclear); err != nil {
						t.Fatalf("the next attempt: %v", err)
					}
					woken := 0
					for _, n := range w.wakings() {
						woken += n
					}
					if woken != 1 {
						t.Errorf("somebody was woken %d times, want 1", woken)
					}
					w.only()
				})
			})
		}
	}
}

// TestFailingLookups: a look-up changes nothing, so its failure is never
// unclear, and what was found before serves while PagerDuty is silent.
func TestFailingLookups(t *testing.T) {
	for _, path := range []string{"/users", "/services"} {
		for _, c := range []struct {
			fault stand.Fault
			want  string
		}{
			{stand.Fault{Status: 500}, notSent}, {stand.Fault{Cut: true}, notSent}, {stand.Fault{Delay: time.Hour, Cut: true}, notSent},
			{stand.Fault{Status: 429}, later}, {stand.Fault{Status: 401}, permanent}, {stand.Fault{Status: 403}, permanent},
		} {
			inWorld(t, nil, func(t *testing.T, w *world) {
				c.fault.Method, c.fault.Path, c.fault.Times = "GET", path, 2 // the transport repeats a broken GET
				w.pd.Break(c.fault)
				_, err := w.ch.Deliver(t.Context(), message(), false)
				if is, _ := class(err); is != c.want {
					t.Errorf("%s with %+v is %s, want %s: %v", path, c.fault, is, c.want, err)
				}
				clean(t, "the error", err.Error())
			})
		}
	}
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.page(message())
		time.Sleep(3 * time.Hour)
		w.pd.Break(stand.Fault{Method: "GET", Path: "/users", Status: 503})
		w.pd.Break(stand.Fault{Method: "GET", Path: "/services", Status: 503})
		m := message()
		m.Dedup = "INC-4/L1/" + aliceMail
		if _, err := w.ch.Deliver(t.Context(), m, false); err != nil {
			t.Errorf("with what was found before: %v", err)
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.ch.Warm(t.Context(), message().To)
		w.pd.Break(stand.Fault{Method: "POST", Delay: time.Minute, Cut: true})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := w.ch.Deliver(ctx, message(), false)
		if is, _ := class(err); is != unclear {
			t.Errorf("it is %s, want unclear: %v", is, err)
		}
	})
}

// TestRealNetwork: a refused connection and an unknown name, over loopback.
func TestRealNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	for _, base := range []string{"http://" + address, "http://no-such-name.invalid"} {
		ch, err := pagerduty.New(pagerduty.Config{RoutingKey: routingKey, EventsURL: base, HTTP: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				if to != address {
					return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: to, IsNotFound: true}}
				}
				return (&net.Dialer{}).DialContext(ctx, network, to)
			},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ch.Deliver(t.Context(), message(), false)
		if is, _ := class(err); is != notSent {
			t.Errorf("%s: it is %s, want not sent: %v", base, is, err)
		}
		clean(t, "the error", err.Error())
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []pagerduty.Config{{}, {APIKey: apiKey, Urgency: "highest"}} {
		if _, err := pagerduty.New(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}
