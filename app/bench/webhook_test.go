package bench

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/app"
	"muster/config"
	"muster/workspace"
)

// BenchmarkWebhook is the time from the moment at which one of 16 clients of
// Alertmanager's kind was to send a webhook until it has the answer, which comes
// after the alert is on disk: 2,000 webhooks a second for 10 seconds, each of
// them with news, through the whole program over TCP to a real file. A client
// that falls behind its beat has that counted as waiting.
//
//	go test ./app/bench -run '^$' -bench Webhook -benchtime 1x
func BenchmarkWebhook(b *testing.B) {
	const (
		clients   = 16
		perSecond = 2000
		seconds   = 10
		groups    = 400
	)
	dir := b.TempDir()
	live := configured(b, dir)
	setup := people(live.Get(), 0)
	setup.Channels = append(setup.Channels, workspace.Channel{Name: "more"})
	ws, slack := slack(b, setup)
	url := program(b, dataIn(dir), live, ws, slack, func(o *app.Options) { o.Env.MusterAPIToken = config.NewSecret("api-token") })
	web := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	send := func(n int) (time.Duration, error) {
		began := time.Now()
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/alerts/alertmanager", strings.NewReader(webhook(n, groups, began)))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Authorization", "Bearer api-token")
		res, err := web.Do(req)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", res.Status, text)
		}
		return time.Since(began), err
	}
	if _, err := send(0); err != nil {
		b.Fatal(err)
	}
	rest()
	var took, waited []time.Duration
	var mu sync.Mutex
	var lasted time.Duration
	paced := pace(b, dir)
	for b.Loop() {
		var group sync.WaitGroup
		began := time.Now()
		for c := range clients {
			group.Go(func() {
				for n := c + 1; n <= perSecond*seconds; n += clients {
					at := began.Add(time.Duration(n) * time.Second / perSecond)
					time.Sleep(time.Until(at))
					alone, err := send(n)
					since := time.Since(at)
					mu.Lock()
					took, waited = append(took, alone), append(waited, since)
					mu.Unlock()
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		lasted = time.Since(began)
	}
	asleep := paced()
	if n := metric(b, url, `muster_alert_groups_told_total{result="recorded",source="alertmanager"}`); n != perSecond*seconds+1 {
		b.Errorf("%v webhooks were put on record, want %d", n, perSecond*seconds+1)
	}
	beside(b, dir)
	b.ReportMetric(float64(asleep.Microseconds()), "paced-F-µs")
	b.ReportMetric(perSecond*seconds/lasted.Seconds(), "requests/s")
	b.ReportMetric(millis(quantile(took, 0.5)), "ms-p50")
	b.ReportMetric(millis(quantile(took, 0.99)), "ms-p99")
	b.ReportMetric(millis(quantile(waited, 0.99)), "ms-p99-since-due")
	b.ReportMetric(millis(quantile(waited, 1)), "ms-max")
}

// metric reads one value of the program's own metrics; zero: it has none.
func metric(b *testing.B, url, name string) float64 {
	b.Helper()
	res, err := http.Get(url + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				b.Fatal(err)
			}
			return v
		}
	}
	return 0
}

// webhook is the nth of many: the groups take turns, and each alert begins and
// ends by turns.
func webhook(n, groups int, now time.Time) string {
	group, turn := n%groups, n/groups
	status, ends := "firing", "0001-01-01T00:00:00Z"
	starts := now.UTC().Format(time.RFC3339Nano)
	if turn%2 == 1 {
		status, ends = "resolved", starts
	}
	service := fmt.Sprintf("service-%03d", group)
	return fmt.Sprintf(`{"receiver":"muster","status":%q,"alerts":[{"status":%q,"labels":{"alertname":"Latency","cluster":"eu1","instance":"10.0.0.%d:8080","job":%q,"service":%q,"severity":"warning","team":"shop"},`+
		`"annotations":{"description":"the p95 of %s is above 800 ms for more than a minute","runbook_url":"https://runbooks.example.com/latency","summary":"%s is slow"},`+
		`"startsAt":%q,"endsAt":%q,"generatorURL":"http://prometheus.example.com/graph?g0.expr=p95+%%3E+0.8&g0.tab=1","fingerprint":"f%015x"}],`+
		`"groupLabels":{"alertname":"Latency","service":%q},"commonLabels":{"alertname":"Latency","severity":"warning"},"commonAnnotations":{},"externalURL":"http://alertmanager.example.com",`+
		`"version":"4","groupKey":"{}:{alertname=\"Latency\", service=\"%s\"}","truncatedAlerts":0}`,
		status, status, group%250, service, service, service, service, starts, ends, group, service, service)
}
