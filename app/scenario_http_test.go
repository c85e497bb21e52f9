package app

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"muster/workspace"
)

// ask calls the program over HTTP.
func (w *world) ask(method, path, token, key, body string) (status int, answer string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, "http://muster.local"+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := w.client().Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// post gives a command over HTTP and wants a status.
func (w *world) post(want int, text, as, key string) string {
	w.Helper()
	body, _ := json.Marshal(Command{Text: text, As: as})
	status, answer := w.ask("POST", "/v1/commands", "api-token", key, string(body))
	if status != want {
		w.Errorf("%s as %s: status %d, want %d: %s", text, as, status, want, answer)
	}
	return answer
}

func TestCommandsOverHTTP(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		create := `{"text": "create P1 API down", "as": "erin@example.com"}`
		for _, token := range []string{"", "wrong", "api-tokenx"} {
			if status, _ := w.ask("POST", "/v1/commands", token, "", create); status != http.StatusUnauthorized {
				t.Errorf("the token %q is answered with %d", token, status)
			}
		}
		if n := len(w.incidents()); n != 0 {
			t.Fatalf("%d incidents were declared without a token", n)
		}
		first := w.post(http.StatusOK, "create P1 API down", "erin@example.com", "once")
		if second := w.post(http.StatusOK, "create P1 API down", "erin@example.com", "once"); !sameButRepeated(first, second) {
			t.Errorf("the repeat is answered differently:\n%s\n%s", first, second)
		}
		if n := len(w.incidents()); n != 1 {
			t.Errorf("%d incidents after the same request twice", n)
		}
		w.post(http.StatusNotFound, "ack INC-9", "erin@example.com", "")
		w.post(http.StatusUnprocessableEntity, "acknowlegde INC-1", "erin@example.com", "")
		w.post(http.StatusBadRequest, "ack INC-1", "nobody", "")
		w.post(http.StatusOK, "ack INC-1", "bob@example.com", "a")
		if s := w.state("INC-1"); len(s.Acks) != 1 || s.Acks[0].By.Name != "Bob Smith" || s.Acks[0].Via != "http" {
			t.Errorf("the acknowledgement is %+v", s.Acks)
		}
		card := w.card("API down")
		w.wait(10*time.Second, "acknowledgement in the thread", func() bool { return count(w.thread(card), "Bob Smith", "has it") == 1 })
		for path, want := range map[string][]string{
			"/v1/incidents":         {`"INC-1"`, "API down"},
			"/v1/incidents/inc-1":   {`"history"`, `"declared"`, "Bob Smith acknowledged"},
			"/healthz":              {`"ok":true`},
			"/readyz":               {`"ok":true`, `"slack"`, `"store"`, `"pages"`, `"catch-up"`, `"configuration"`},
			"/v1/incidents/INC-404": {`"unknown"`},
		} {
			_, answer := w.ask("GET", path, "api-token", "", "")
			for _, word := range want {
				if !strings.Contains(answer, word) {
					t.Errorf("%s does not say %s: %s", path, word, answer)
				}
			}
		}
		if status, _ := w.ask("GET", "/v1/incidents", "", "", ""); status != http.StatusUnauthorized {
			t.Errorf("incidents are read without a token: %d", status)
		}
	})
}

// TestStrangersOverHTTP: a mistyped address acknowledges nothing. While Slack
// cannot say who that is, it is believed.
func TestStrangersOverHTTP(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(http.StatusOK, "create P1 API down", "erin@example.com", "")
		if answer := w.post(http.StatusUnprocessableEntity, "ack INC-1", "alcie@example.com", ""); !strings.Contains(answer, "alcie@example.com is nobody") {
			t.Errorf("the answer does not name the address: %s", answer)
		}
		if s := w.state("INC-1"); s.Acked() {
			t.Errorf("nobody acknowledged: %+v", s.Acks)
		}
		w.ws.SetFaults(workspace.Faults{SlackDown: true})
		w.post(http.StatusOK, "ack INC-1", "visitor@example.com", "")
		if s := w.state("INC-1"); !s.Acked() {
			t.Error("with Slack down the acknowledgement does not count")
		}
	})
}

func sameButRepeated(a, b string) bool {
	var x, y map[string]any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return x["text"] == y["text"] && x["incident"] == y["incident"] && y["repeated"] == true
}

// TestOddRequestsOverHTTP: what cannot be carried out is refused in a sentence
// that says what to send, and changes nothing; nobody is told to look into the
// log for a slip of their own.
func TestOddRequestsOverHTTP(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		for _, key := range []string{strings.Repeat("k", 251), strings.Repeat("k", 40_000), "one\ttwo"} {
			if answer := w.post(http.StatusBadRequest, "create P1 API down", "erin@example.com", key); !strings.Contains(answer, "at most 250 bytes") {
				t.Errorf("a key of %d bytes is answered with %s", len(key), answer)
			}
		}
		w.post(http.StatusUnprocessableEntity, "create P1 API down", strings.Repeat("e", 600)+"@example.com", "once")
		if n := len(w.incidents()); n != 0 {
			t.Fatalf("%d incidents were declared", n)
		}
		w.post(http.StatusOK, "create P1 API down", "erin@example.com", strings.Repeat("k", 250))
		w.post(http.StatusOK, "override @bob for 4h", "erin@example.com", "")
		for _, id := range []string{"desk-1", "LOOKOUT-1", "INC-1%00", "INC-0", "INC-99999999999999999999", "INC-1%2F..", "INC-" + strings.Repeat("9", 5000), strings.Repeat("9", 5000)} {
			if status, answer := w.ask("GET", "/v1/incidents/"+id, "api-token", "", ""); status != http.StatusNotFound || !strings.Contains(answer, `"unknown"`) {
				t.Errorf("%.30s is answered with %d %.200s", id, status, answer)
			}
		}
	})
}
