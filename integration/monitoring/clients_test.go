package monitoring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/alerts"
	"muster/alerts/alertmanager"
	"muster/query"
)

// recorder takes batches, and fails while it is told to.
type recorder struct {
	mu     sync.Mutex
	taken  []alerts.Batch
	down   atomic.Bool
	failed atomic.Int64
}

func (r *recorder) Take(_ context.Context, b alerts.Batch) error {
	if r.down.Load() {
		r.failed.Add(1)
		return errors.New("no space left on device")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, b)
	return nil
}

// told waits for a batch that says that the alert fires, or does no longer.
func (r *recorder) told(t *testing.T, firing bool) alerts.Batch {
	t.Helper()
	var found alerts.Batch
	until(t, "webhook", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, b := range r.taken {
			if b.Alerts[len(b.Alerts)-1].Firing == firing {
				found = b
				return nil
			}
		}
		return fmt.Errorf("%d batches came", len(r.taken))
	})
	return found
}

// inlet serves the alerts' inlet on an address.
func inlet(t *testing.T, address string, r *recorder) *http.Server {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	in := alerts.NewInlet(alerts.InletConfig{Taker: r, Token: func() string { return "tok" }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	server := &http.Server{Handler: in.Alertmanager()}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// A real alert on its way: through, silenced, shown, unsilenced, resolved; and
// the queries about it.
func TestRealServers(t *testing.T) {
	r, address := &recorder{}, port(t)
	w := watch(t, "http://"+address+"/", "tok", 1)
	inlet(t, address, r)

	w.target.stop()
	w.up(0)
	b := r.told(t, true)
	a := b.Alerts[0]
	if a.Name != "ServiceDown" || a.Severity != "critical" || a.Service != "checkout-api" || a.Expr != `up{job="checkout"} == 0` || a.Links.Runbook == "" || !strings.HasPrefix(a.Links.Graph, w.prometheus) {
		t.Errorf("got %+v", a)
	}

	measured, _, limit, ok := query.Condition(a.Expr)
	if !ok || limit != 0 {
		t.Fatalf("%q is no condition", a.Expr)
	}
	now := time.Now()
	series, err := w.metrics.Range(t.Context(), measured, now.Add(-time.Minute), now, time.Second)
	if err != nil || len(series) != 1 || len(series[0].Points) < 2 {
		t.Errorf("%v, %v", series, err)
	}
	var kind query.Kind
	if _, err := w.metrics.Instant(t.Context(), "up{", now); err == nil {
		t.Error("a broken expression is read")
	} else if kind, _ = query.Of(err); kind != query.Invalid || !strings.Contains(err.Error(), "parse error") {
		t.Errorf("got %v", err)
	}
	if _, err := w.metrics.Range(t.Context(), "up", now.Add(-24*time.Hour), now, time.Second); err == nil {
		t.Error("86,400 points are given")
	} else {
		t.Log(err)
	}

	firing := w.firing(true)
	if firing[0].Fingerprint != a.Fingerprint || !firing[0].StartsAt.Equal(a.StartsAt) {
		t.Errorf("Alertmanager has %+v, the webhook said %s", firing[0], a.Identity())
	}
	s := alertmanager.Silence{
		Labels: alertmanager.Matchers(b.GroupKey, b.Alerts), From: now, Until: now.Add(time.Hour), By: "Ann Ash", Comment: "INC-1: silenced for 1h by Ann Ash",
	}
	if len(s.Labels) != 2 || s.Labels["service"] != "checkout-api" {
		t.Errorf("matchers %v", s.Labels)
	}
	id, err := w.silences.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.silences.Create(t.Context(), s); again != id || err != nil {
		t.Errorf("again: %s, %v, first %s", again, err, id)
	}
	until(t, "silenced alert", func() error {
		if by := w.firing(true)[0].SilencedBy; len(by) != 1 || by[0] != id {
			return fmt.Errorf("silenced by %v", by)
		}
		return nil
	})
	got, err := w.silences.Get(t.Context(), id)
	if err != nil || got.By != "Ann Ash" || got.Comment != s.Comment || !got.Active {
		t.Errorf("got %+v, %v", got, err)
	}
	longer, err := w.silences.Extend(t.Context(), id, time.Now(), now.Add(4*time.Hour))
	if err != nil || longer != id {
		t.Errorf("extended: %s, %v", longer, err)
	}
	for range 2 {
		if err := w.silences.Expire(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if got, err := w.silences.Get(t.Context(), id); err != nil || got.Active {
		t.Errorf("got %+v, %v", got, err)
	}
	until(t, "alert that is heard again", func() error {
		if by := w.firing(true)[0].SilencedBy; len(by) != 0 {
			return fmt.Errorf("silenced by %v", by)
		}
		return nil
	})
	if anew, err := w.silences.Extend(t.Context(), id, time.Now(), now.Add(time.Hour)); err != nil || anew == id {
		t.Errorf("anew: %s, %v", anew, err)
	} else if err := w.silences.Expire(t.Context(), anew); err != nil {
		t.Error(err)
	}
	if err := w.silences.Expire(t.Context(), "00000000-0000-4000-8000-000000000000"); err != nil {
		t.Error(err)
	}
	if _, err := w.silences.Create(t.Context(), alertmanager.Silence{Labels: map[string]string{"a b": "c"}, From: now, Until: now.Add(time.Hour), By: "Ann", Comment: "x"}); err == nil {
		t.Error("a label that is none is taken")
	} else {
		t.Log(err)
	}

	w.target.start()
	resolved := r.told(t, false).Alerts[0]
	if resolved.Identity() != a.Identity() || resolved.EndsAt.IsZero() {
		t.Errorf("got %+v", resolved)
	}
}

// While alerts cannot be put on record, and while nobody listens, Alertmanager
// keeps them and tries again.
func TestAlertmanagerKeepsWhatWasNotTaken(t *testing.T) {
	r, address := &recorder{}, port(t)
	r.down.Store(true)
	w := watch(t, "http://"+address+"/", "tok", 1)
	w.target.stop()
	w.firing(true) // nobody listens yet
	inlet(t, address, r)
	until(t, "attempt that fails", func() error {
		if r.failed.Load() < 2 {
			return errors.New("not yet")
		}
		return nil
	})
	r.down.Store(false)
	if b := r.told(t, true); b.Alerts[0].Name != "ServiceDown" {
		t.Errorf("got %+v", b)
	}
}
