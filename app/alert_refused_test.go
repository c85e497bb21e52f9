package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// drip gives a body byte by byte.
type drip struct {
	text  string
	pause time.Duration
}

func (d *drip) Read(p []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	time.Sleep(d.pause)
	p[0], d.text = d.text[0], d.text[1:]
	return 1, nil
}

// Whatever is wrong with a request, its sender gets the status that makes it do
// the right thing, and nothing is put on record.
func TestAlertsThatAreRefused(t *testing.T) {
	good := hook("checkout", serviceDown(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
	for name, c := range map[string]struct {
		method, path, token string
		body                io.Reader
		length              int64
		status              int
	}{
		"no token":          {token: "-", body: strings.NewReader(good), status: 401},
		"a wrong token":     {token: "api-tokem", body: strings.NewReader(good), status: 401},
		"another method":    {method: http.MethodPut, body: strings.NewReader(good), status: 405},
		"no JSON":           {body: strings.NewReader("alert!"), status: 400},
		"no alerts":         {body: strings.NewReader(`{"alerts":[]}`), status: 400},
		"broken off":        {body: strings.NewReader(good[:len(good)/2]), status: 400},
		"10 MB":             {body: strings.NewReader(strings.Repeat(" ", 10<<20)), status: 413},
		"10 MB, chunked":    {body: io.MultiReader(strings.NewReader(strings.Repeat(" ", 10<<20))), length: -1, status: 413},
		"deep nesting":      {body: strings.NewReader(`{"alerts":` + strings.Repeat("[", 1<<20)), status: 400},
		"a slow body":       {body: &drip{good, 100 * time.Millisecond}, length: int64(len(good)), status: 408},
		"generic, no JSON":  {path: "/v1/alerts", body: strings.NewReader("alert!"), status: 400},
		"generic, unnamed":  {path: "/v1/alerts", body: strings.NewReader(`{"severity":"critical"}`), status: 400},
		"generic, no token": {path: "/v1/alerts", token: "-", body: strings.NewReader(`{"name":"A"}`), status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(w *world) {
				method, path, token := c.method, c.path, c.token
				if method == "" {
					method = http.MethodPost
				}
				if path == "" {
					path = "/v1/alerts/alertmanager"
				}
				if token == "" {
					token = "api-token"
				}
				req, err := http.NewRequestWithContext(w.Context(), method, "http://muster.local"+path, c.body)
				if err != nil {
					t.Fatal(err)
				}
				if c.length != 0 {
					req.ContentLength = c.length
				}
				if token != "-" {
					req.Header.Set("Authorization", "Bearer "+token)
				}
				res, err := w.client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				answer, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if res.StatusCode != c.status || !strings.Contains(string(answer), `"text":"`) {
					t.Errorf("%s: %s", res.Status, answer)
				}
				time.Sleep(time.Minute)
				if groups, n := w.program.intake.groups.Open(), len(w.incidents()); len(groups) != 0 || n != 0 {
					t.Errorf("%d groups and %d incidents came of it", len(groups), n)
				}
			})
		})
	}
}

// A delivery that comes again, at once or later, changes nothing.
func TestAlertsThatComeAgain(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		body := hook("checkout", serviceDown(time.Now()))
		w.told(body)
		w.inChannel("#incidents", 10*time.Second, "🚨 P0 Incident: checkout is down")
		time.Sleep(30 * time.Second)
		group := w.program.intake.groups.Open()[0]
		before, _ := w.program.intake.groups.History(w.Context(), group.ID)
		for range 20 {
			w.told(body)
		}
		after, err := w.program.intake.groups.History(w.Context(), group.ID)
		if err != nil || len(after) != len(before) || len(w.incidents()) != 1 {
			t.Errorf("%d records became %d, %v", len(before), len(after), err)
		}
		w.checkOnce()
	})
}

// PagerDuty switches a subscription off that is refused: only what is not
// signed is.
func TestPagerDutyWebhooksThatAreRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the whole program over real sockets")
	}
	h := newHouse(t)
	signature := func(secret, body string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		return "v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	event := `{"event":{"id":"01A","event_type":"incident.annotated","resource_type":"incident","occurred_at":"2026-11-22T12:00:00Z","data":{"id":"PNOTOURS","type":"incident","incident_key":"else"}}}`
	for _, c := range []struct {
		name, sign, id, body string
		status               int
	}{
		{"no signature", "", "1", event, 403},
		{"a signature with another secret", signature("guess", event), "2", event, 403},
		{"a signature of another body", signature(h.in.secret, event+" "), "3", event, 403},
		{"half a signature", signature(h.in.secret, event)[:30], "4", event, 403},
		{"signed", signature(h.in.secret, event), "5", event, 202},
		{"the same delivery again", signature(h.in.secret, event), "5", event, 202},
		{"signed, but no JSON", signature(h.in.secret, "?"), "6", "?", 202},
		{"signed, deeply nested", signature(h.in.secret, strings.Repeat("[", 50_000)), "7", strings.Repeat("[", 50_000), 202},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.public+"/v1/webhooks/pagerduty", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Webhook-Id", c.id)
		if c.sign != "" {
			req.Header.Set("X-PagerDuty-Signature", c.sign)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: %s, want %d", c.name, res.Status, c.status)
		}
	}
	res, err := http.Post(h.public+"/v1/webhooks/pagerduty", "application/json", strings.NewReader(strings.Repeat(" ", 10<<20)))
	if err == nil { // the connection may end before all is sent
		res.Body.Close()
		if res.StatusCode < 400 {
			t.Errorf("10 MB: %s", res.Status)
		}
	}
	if n := len(h.program.incidents.OpenIncidents()); n != 0 {
		t.Error(fmt.Sprint(n, " incidents came of it"))
	}
}
