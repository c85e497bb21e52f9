package crash

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/incident"
)

// 1,000 alerts of 1,000 groups come within 10 seconds, as from an Alertmanager
// that sends again what was not taken, and the program is killed in the middle.
// There is one incident with all of them; the page is out before the list, and
// the channels get no more posts than Slack allows.
func TestKilledInAStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes are slow: not with -short")
	}
	const (
		alerts  = 1000
		seconds = 10
		senders = 8
	)
	w := newWorld(t, 1)
	began := time.Now()
	w.ready(w.start())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var sent atomic.Int64
	var group sync.WaitGroup
	first := time.Now()
	for s := range senders {
		group.Go(func() {
			for n := s; n < alerts; n += senders {
				time.Sleep(time.Until(first.Add(time.Duration(n) * seconds * time.Second / alerts)))
				w.tellAlert(ctx, n, first)
				sent.Add(1)
			}
		})
	}
	w.wait(time.Minute, "half of the alerts", func() bool { return sent.Load() > alerts/2 })
	w.now.kill()
	died := time.Now()
	w.ready(w.start())
	group.Wait()
	if ctx.Err() != nil {
		t.Fatalf("the alerts could not be told within 3 minutes")
	}
	lasted := time.Since(first)
	t.Logf("the %d alerts were taken within %v; killed after %v, ready again %v later", alerts, lasted.Round(time.Millisecond), died.Sub(first).Round(time.Millisecond), w.now.begun.Sub(died).Round(time.Millisecond))

	var storm incident.Incident
	w.wait(3*time.Minute, "incident with all alerts", func() bool {
		storm = w.incidentOf(ctx, "INC-1")
		_, total := storm.AlertsFiring()
		return total == alerts
	})
	t.Logf("complete after %v", time.Since(first).Round(time.Millisecond))
	seen := map[string]int{}
	for _, ref := range storm.Alerts {
		seen[ref.Group]++
		if seen[ref.Group] > 1 || ref.Total != 1 || ref.Firing != 1 {
			t.Errorf("%s is there %d times: %+v", ref.Group, seen[ref.Group], ref)
		}
	}
	if other := w.incidentOf(ctx, "INC-2"); other.ID != "" {
		t.Errorf("there is a second incident: %s %q", other.ID, other.Title)
	}

	// The page came before most of what is only to be read.
	posts, before, page := 0, 0, ""
	for _, handle := range w.people {
		p := w.ws.Person(handle)
		for _, m := range p.Messages(p.DM("muster")) {
			if page == "" || m.TS < page {
				page = m.TS
			}
		}
	}
	if page == "" {
		t.Fatal("nobody was paged")
	}
	span := time.Since(began)
	reader := w.ws.Person(w.people[0])
	for _, channel := range []string{"#incidents", "#alerts", "#monitoring", "#muster-ops"} {
		n := 0
		for _, m := range reader.Messages(channel) {
			n += 1 + len(reader.Thread(channel, m.TS))
			if m.TS < page {
				before++
			}
		}
		posts += n
		if most := int(span.Seconds()) + 5; n > most {
			t.Errorf("%s got %d posts within %v", channel, n, span)
		}
	}
	t.Logf("%d posts, %d of them before the first page", posts, before)
	if before > 25 {
		t.Errorf("%d messages were posted before the first page", before)
	}
}

// tellAlert sends the nth alert until it is taken.
func (w *world) tellAlert(ctx context.Context, n int, since time.Time) {
	severity := "warning"
	if n%50 == 25 {
		severity = "critical"
	}
	at := since.Add(time.Duration(n) * time.Millisecond).UTC().Format(time.RFC3339Nano)
	body := fmt.Sprintf(`{"status":"firing","groupKey":"{}:{alertname=\"Down\", instance=\"i%d\"}","alerts":[{"status":"firing","labels":{"alertname":"Down","instance":"i%d","service":"s%d","severity":%q},`+
		`"annotations":{"summary":"instance %d is down"},"startsAt":%q,"endsAt":"0001-01-01T00:00:00Z","fingerprint":"%016x"}]}`, n, n, n%97, severity, n, at, n)
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url("/v1/alerts/alertmanager"), strings.NewReader(body))
		w.must(err)
		req.Header.Set("Authorization", "Bearer "+apiToken)
		resp, err := w.client.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// incidentOf reads an incident; the zero value: there is none, or no answer.
func (w *world) incidentOf(ctx context.Context, id string) incident.Incident {
	var got struct{ Incident incident.Incident }
	if status, err := w.fetch(ctx, http.MethodGet, "/v1/incidents/"+id, nil, "", &got); err != nil || status != http.StatusOK {
		return incident.Incident{}
	}
	return got.Incident
}
