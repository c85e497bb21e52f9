package monitoring

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The whole story, with nothing pretended but Slack: a service stops, its alert
// becomes an incident with a ladder, is silenced and heard again, ends with the
// service's return, and the incident is resolved.
func TestAServiceStopsAndReturns(t *testing.T) {
	h := newHouse(t)
	w := watch(t, h.webhook(), apiToken, 1)
	h.env = []string{"PROMETHEUS_URL=" + w.prometheus, "ALERTMANAGER_URL=" + w.alertmanager}
	h.start()

	w.target.stop()
	h.message("#incidents", "CRITICAL: ServiceDown", "checkout-api does not answer", "Acknowledge", "Playbook", "Silence", "Runbook", "Dashboard", "Graph")
	card := h.message("#incidents", "🚨 P0 Incident: checkout-api does not answer")
	h.recorded("INC-1", "paged")
	h.reply("#incidents", card, "Critical service down")
	h.message("#incidents", "CRITICAL: ServiceDown", "INC-1")
	m := h.message("#incidents", "CRITICAL: ServiceDown", `"type":"image"`)
	chart, err := png.Decode(bytes.NewReader(h.picture(m)))
	if err != nil || chart.Bounds().Dx() < 600 {
		t.Errorf("the chart is %v, %v", chart, err)
	}

	h.click("alice", "#incidents", m, "Silence 1h")
	var id string
	until(t, "silence in Alertmanager", func() error {
		all, err := w.silences.Silences(t.Context(), map[string]string{"alertname": "ServiceDown"})
		if err != nil || len(all) != 1 {
			return errors.Join(err, fmt.Errorf("%d silences", len(all)))
		}
		s := all[0]
		if s.Other || !s.Active || !strings.Contains(s.By, "Alice Johnson") || !strings.Contains(s.Comment, "INC-1") || s.Labels["service"] != "checkout-api" {
			t.Fatalf("got %+v", s)
		}
		if span := s.Until.Sub(s.From).Minutes(); span < 59 || span > 61 {
			t.Fatalf("silenced for %v minutes", span)
		}
		id = s.ID
		return nil
	})
	until(t, "alert that is silenced", func() error {
		if by := w.firing(true)[0].SilencedBy; len(by) != 1 || by[0] != id {
			return fmt.Errorf("by %v", by)
		}
		return nil
	})
	m = h.message("#incidents", "CRITICAL: ServiceDown", "silenced by", "End silence")
	h.click("alice", "#incidents", m, "End silence")
	until(t, "alert that is heard again", func() error {
		s, err := w.silences.Get(t.Context(), id)
		if err != nil || s.Active {
			return errors.Join(err, errors.New("the silence goes on"))
		}
		return nil
	})

	w.target.start()
	h.message("#incidents", "RESOLVED: ServiceDown")
	h.recorded("INC-1", "all_alerts_resolved")
	h.reply("#incidents", card, "resolved", "Resolve")
	if list := h.incidents(); len(list) != 1 {
		t.Errorf("one alert became %v", list)
	}
	var said struct {
		OK   bool
		Text string
	}
	if _, err := h.ask(http.MethodPost, "/v1/commands", `{"text": "resolve INC-1 the service was stopped", "as": "alice@example.com"}`, &said); err != nil || !said.OK {
		t.Fatalf("%+v, %v", said, err)
	}
	h.recorded("INC-1", "resolved")
	h.message("#incidents", "✅ RESOLVED: checkout-api")
}

// An alert that comes while the program is away comes again when it is back;
// one that it took survives its death.
func TestAnAlertWhileTheProgramIsAway(t *testing.T) {
	h := newHouse(t)
	w := watch(t, h.webhook(), apiToken, 1)
	w.target.stop()
	w.firing(true)
	h.start()
	h.recorded("INC-1", "paged")
	h.program.kill()
	h.start()
	h.message("#incidents", "CRITICAL: ServiceDown", "INC-1")
	w.target.start()
	h.message("#incidents", "RESOLVED: ServiceDown")
	h.recorded("INC-1", "all_alerts_resolved")
	if list := h.incidents(); len(list) != 1 {
		t.Errorf("one alert became %v", list)
	}
}

// Two Alertmanagers, as for high availability, tell the same alert: it is one
// message, one incident, one end.
func TestTwoAlertmanagers(t *testing.T) {
	h := newHouse(t)
	w := watch(t, h.webhook(), apiToken, 2)
	h.start()
	w.target.stop()
	h.recorded("INC-1", "paged")
	w.target.start()
	h.message("#incidents", "RESOLVED: ServiceDown")
	h.recorded("INC-1", "all_alerts_resolved")
	until(t, "end that both have told", func() error {
		res, err := http.Get("http://" + h.address + "/metrics")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		taken := regexp.MustCompile(`(?m)^muster_alert_requests_total\{result="taken",source="alertmanager"\} (\d+)$`).FindSubmatch(text)
		if taken == nil || len(taken[1]) == 1 && taken[1][0] < '4' {
			return fmt.Errorf("%s requests came", taken)
		}
		return nil
	})
	history, err := h.history("INC-1")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, r := range history {
		kinds[r.Kind]++
	}
	messages := 0
	for _, m := range h.ws.Person("erin").Messages("#incidents") {
		if says(m, "ServiceDown", "Acknowledge") || says(m, "RESOLVED: ServiceDown") {
			messages++
		}
	}
	if list := h.incidents(); len(list) != 1 || kinds["declared"] != 1 || kinds["all_alerts_resolved"] != 1 || messages != 1 {
		t.Errorf("%v, %d messages, %v", list, messages, kinds)
	}
}
