package app

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/report"
)

const countedYAML = `channels: {incidents: '#incidents'}
watch: {for: 0}
postmortem:
  failed_requests: sum(increase(failed[SPAN]))
  requests: sum(increase(all[SPAN]))
`

// spanServer notes the questions and answers with one number.
type spanServer struct {
	metricsServer
	asked []string
}

func (m *spanServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err == nil {
		m.asked = append(m.asked, r.Form.Get("query"))
	}
	return m.metricsServer.RoundTrip(r)
}

// What users noticed is counted over the span of the incident, also when
// Prometheus answers late, and stands in the thread and in the data.
func TestFailedRequestsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &spanServer{metricsServer: metricsServer{value: 3412, gone: true}}
		w := newWorld(t, map[string]string{"muster.yaml": countedYAML})
		defer w.end()
		w.change = func(o *Options) {
			o.Env.PrometheusURL, o.HTTP = "http://prometheus.local", &http.Client{Transport: m}
		}
		w.start()
		defer func() { w.stop() }()
		w.post(200, "create P2 API slow", "erin@example.com", "")
		card := w.card("API slow")
		time.Sleep(10 * time.Minute)
		w.post(200, "resolve INC-1 rolled back postmortem=none", "erin@example.com", "")
		time.Sleep(5 * time.Minute)
		m.set(3412, false)
		w.inThread(card, 5*time.Minute, "3,412 of 3,412 requests failed")
		s := w.state("INC-1")
		if got := s.After.Impact; got.Failed != 3412 || !got.From.Equal(s.DeclaredAt) || !got.To.Equal(s.ResolvedAt) {
			t.Errorf("on record is %+v", got)
		}
		if d := report.Collect(w.history("INC-1")); d.Impact.Failed != 3412 {
			t.Errorf("the data has %+v", d.Impact)
		}
		if all := strings.Join(m.asked, "\n"); !strings.Contains(all, "sum(increase(failed[60") || !strings.Contains(all, "sum(increase(all[60") {
			t.Errorf("asked was\n%s", all)
		}
		w.calm(time.Minute)
	})
}

// Without a server, or with a query that is wrong, the operations channel is
// told, and nothing else waits.
func TestFailedRequestsCannotBeCounted(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": countedYAML}, func(w *world) {
		w.post(200, "create P2 API slow", "erin@example.com", "")
		w.post(200, "resolve INC-1 rolled back postmortem=none", "erin@example.com", "")
		w.inChannel("#muster-ops", time.Minute, "PROMETHEUS_URL is not set")
	})
}
