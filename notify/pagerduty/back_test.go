package pagerduty_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"muster/incident"
	"muster/notify"
	"muster/notify/pagerduty"
	stand "muster/workspace/pagerduty"
)

// silent is a world whose stand-in sends no webhooks.
func silent(_ *pagerduty.Config, far *stand.Config) { far.WebhookURL = "" }

func TestAnswersByWebhook(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		began := time.Now()
		if err := w.pd.Acknowledge("PBOB001", ref); err != nil {
			t.Fatal(err)
		}
		got := w.heard()
		if len(got) != 1 || got[0].Incident != "INC-3" || got[0].Level != "L1" || got[0].Kind != notify.Acknowledge ||
			got[0].Person.Key != bobMail || got[0].Via != "pagerduty" || got[0].Key == "" || !got[0].At.Equal(began) {
			t.Fatalf("answers: %+v", got)
		}
		// The same once more by looking: it counts once.
		if err := w.ch.Poll(t.Context(), []pagerduty.Open{{Ref: ref, Incident: "INC-3", Level: "L1", Person: alice}}); err != nil {
			t.Fatal(err)
		}
		if got := w.heard(); len(got) != 1 {
			t.Fatalf("answers: %+v", got)
		}
		if err := w.pd.Resolve("PALICE1", ref); err != nil {
			t.Fatal(err)
		}
		if got := w.heard(); len(got) != 2 || got[1].Kind != notify.Resolve || got[1].Person != alice {
			t.Fatalf("answers: %+v", got)
		}
	})
}

// TestWebhookAndLookShareTheKey: also after a restart, which forgets.
func TestWebhookAndLookShareTheKey(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		time.Sleep(1300 * time.Millisecond)
		if err := w.pd.Acknowledge("PALICE1", ref); err != nil {
			t.Fatal(err)
		}
		first := w.heard()
		again, err := pagerduty.New(w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Poll(t.Context(), []pagerduty.Open{{Ref: ref}}); err != nil {
			t.Fatal(err)
		}
		got := w.heard()
		if len(first) != 1 || len(got) != 2 || got[0].Key != got[1].Key || got[0].Person != got[1].Person {
			t.Errorf("answers: %+v", got)
		}
	})
}

func TestNoEcho(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.follow(ref, 5, incident.Acknowledged{By: bob, Via: "slack"}, false)
		w.ch.Poll(t.Context(), []pagerduty.Open{{Ref: ref}})
		w.follow(ref, 9, incident.ResolvedEvent{By: bob, Cause: "disk", Fix: "bigger disk"}, false)
		w.ch.Poll(t.Context(), []pagerduty.Open{{Ref: ref}})
		// After a restart nothing is remembered, and it still is ours.
		again, _ := pagerduty.New(w.cfg)
		again.Poll(t.Context(), []pagerduty.Open{{Ref: ref}})
		if got := w.heard(); len(got) != 0 {
			t.Errorf("our own doings came back: %+v", got)
		}
		got := w.only()
		if got.Status != "resolved" || len(got.Notes) != 2 || !strings.Contains(got.Notes[0].Text, "Acknowledged by Bob Diaz over slack.") ||
			!strings.Contains(got.Notes[1].Text, "Fix: bigger disk") {
			t.Errorf("the incident is %s with %+v", got.Status, got.Notes)
		}
	})
}

func TestFollowIsIdempotent(t *testing.T) {
	inWorld(t, silent, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.follow(ref, 5, incident.Acknowledged{By: alice, Via: "slack"}, false)
		w.follow(ref, 6, incident.Updated{By: alice, Text: "looking", Next: "logs", ETA: "10m"}, false)
		w.follow(ref, 6, incident.Updated{By: alice, Text: "looking", Next: "logs", ETA: "10m"}, false)
		// A new process that cannot know looks first.
		again, _ := pagerduty.New(w.cfg)
		w.ch = again
		w.follow(ref, 6, incident.Updated{By: alice, Text: "looking", Next: "logs", ETA: "10m"}, true)
		w.follow(ref, 5, incident.Acknowledged{By: alice, Via: "slack"}, true)
		if got := w.only(); len(got.Notes) != 2 || got.Status != "acknowledged" {
			t.Errorf("notes: %+v", got.Notes)
		}
		// Somebody there was first: codes 1001 and 1002.
		w.pd.Break(stand.Fault{Method: "PUT", Times: 1, Status: 400, Code: 1001})
		w.follow(ref, 7, incident.ResolvedEvent{By: alice}, false)
		w.follow(ref, 7, incident.ResolvedEvent{By: alice}, true)
		w.follow(ref, 7, incident.ResolvedEvent{By: alice}, true)
		w.follow(ref, 8, incident.Updated{By: alice, Text: "late"}, false)
		if got := w.only(); len(got.Notes) != 3 || got.Status != "resolved" {
			t.Errorf("it is %s with %+v", got.Status, got.Notes)
		}
		// What was said right there needs no note.
		w.page(message())
		again.Poll(t.Context(), nil)
		for _, i := range w.pd.Incidents() {
			for _, n := range i.Notes {
				clean(t, "a note", n.Text)
			}
		}
	})
}

func TestFollowWhatWasSaidThere(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.pd.Acknowledge("PALICE1", ref)
		w.follow(ref, 5, incident.Acknowledged{By: alice, Via: "pagerduty"}, false)
		w.follow("", 5, incident.Acknowledged{By: alice}, false)
		if got := w.only(); len(got.Notes) != 0 || len(got.Acks) != 1 {
			t.Errorf("it is %+v", got)
		}
	})
}

func TestFollowFailures(t *testing.T) {
	for _, c := range []struct {
		fault stand.Fault
		want  string
	}{
		{stand.Fault{Method: "PUT", Status: 500}, unclear}, {stand.Fault{Method: "PUT", Done: true, Cut: true}, unclear},
		{stand.Fault{Method: "PUT", Status: 429}, later}, {stand.Fault{Method: "PUT", Status: 403}, permanent},
		{stand.Fault{Method: "POST", Status: 500, Done: true}, unclear}, {stand.Fault{Method: "GET", Status: 500}, notSent},
	} {
		inWorld(t, silent, func(t *testing.T, w *world) {
			refs := []string{w.page(message())}
			m := message()
			m.Dedup, m.To.Email, m.To.Person = "INC-3/L2/"+bobMail, bobMail, bob
			refs = append(refs, w.page(m))
			c.fault.Path, c.fault.Times = "/incidents/", 1
			if c.fault.Method == "PUT" {
				c.fault.Path = "/incidents"
			}
			w.pd.Break(c.fault)
			f := notify.Follow{Incident: m.Incident, Refs: refs, Record: incident.Record{Seq: 5, Event: incident.Acknowledged{By: alice, Via: "phone"}}}
			err := w.ch.Follow(t.Context(), f, false)
			if is, _ := class(err); is != c.want {
				t.Fatalf("%+v is %s, want %s: %v", c.fault, is, c.want, err)
			}
			clean(t, "the error", err.Error())
			if err := w.ch.Follow(t.Context(), f, c.want == unclear); err != nil {
				t.Fatal(err)
			}
			for _, i := range w.pd.Incidents() {
				if i.Status != "acknowledged" || len(i.Notes) != 1 {
					t.Errorf("after %+v: %s with %d notes", c.fault, i.Status, len(i.Notes))
				}
			}
		})
	}
}

func TestWatcher(t *testing.T) {
	inWorld(t, silent, func(t *testing.T, w *world) {
		var refs atomic.Pointer[[]pagerduty.Open]
		refs.Store(&[]pagerduty.Open{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- pagerduty.Watcher{Channel: w.ch, Open: func(context.Context) ([]pagerduty.Open, error) { return *refs.Load(), nil }}.Run(ctx)
		}()
		time.Sleep(time.Minute)
		if n := len(w.pd.Calls()); n != 0 {
			t.Errorf("%d requests without an open page", n)
		}
		ref := w.page(message())
		refs.Store(&[]pagerduty.Open{{Ref: ref, Incident: "INC-3", Level: "L1", Person: alice, Since: time.Now()}})
		time.Sleep(7 * time.Minute)
		w.pd.Acknowledge("PALICE1", ref)
		time.Sleep(15 * time.Second)
		if got := w.heard(); len(got) != 1 || got[0].Person != alice || got[0].Level != "L1" {
			t.Errorf("after 15 s: %+v", got)
		}
		// Away and back: said once each, and nothing is missed.
		w.pd.Break(stand.Fault{Status: 503})
		time.Sleep(10 * time.Minute)
		w.pd.Resolve("PALICE1", ref)
		w.pd.Heal()
		time.Sleep(15 * time.Second)
		if got := w.heard(); len(got) != 2 || got[1].Kind != notify.Resolve {
			t.Errorf("answers: %+v", got)
		}
		if n := strings.Count(w.log.String(), "does not come back"); n != 1 {
			t.Errorf("it was said %d times:\n%s", n, w.log.String())
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestPollMany asks for a list instead of each one, and hears everybody once.
func TestPollMany(t *testing.T) {
	inWorld(t, silent, func(t *testing.T, w *world) {
		var refs []pagerduty.Open
		for n := range 120 {
			m := message()
			m.Dedup = fmt.Sprintf("INC-%d/L1/%s", n+1, aliceMail)
			refs = append(refs, pagerduty.Open{Ref: w.page(m)})
			w.pd.Acknowledge("PALICE1", refs[n].Ref)
		}
		before := len(w.pd.Calls())
		for range 3 {
			if err := w.ch.Poll(t.Context(), refs); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.heard(); len(got) != 120 {
			t.Errorf("%d answers, want 120", len(got))
		}
		if n := len(w.pd.Calls()) - before; n > 10 {
			t.Errorf("3 looks took %d requests", n)
		}
	})
}

// TestPollEvents: with an API key too, an event's incident is found by its key.
func TestPollEvents(t *testing.T) {
	inWorld(t, func(near *pagerduty.Config, far *stand.Config) { events(near, far); silent(near, far) }, func(t *testing.T, w *world) {
		ref := w.page(message())
		cfg := w.cfg
		cfg.APIKey, cfg.From = apiKey, botMail
		both, _ := pagerduty.New(cfg)
		w.pd.Acknowledge("PBOB001", ref)
		if err := both.Poll(t.Context(), []pagerduty.Open{{Ref: ref}}); err != nil {
			t.Fatal(err)
		}
		got := w.heard()
		if len(got) != 1 || got[0].Person.Key != bobMail || got[0].Incident != "INC-3" {
			t.Errorf("answers: %+v", got)
		}
	})
}

// TestPollDeleted: a page whose incident was deleted there is no trouble.
func TestPollDeleted(t *testing.T) {
	inWorld(t, silent, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.pd.Acknowledge("PALICE1", ref)
		if err := w.ch.Poll(t.Context(), []pagerduty.Open{{Ref: "QGONE01", Incident: "INC-1"}, {Ref: ref}}); err != nil {
			t.Error(err)
		}
		if got := w.heard(); len(got) != 1 {
			t.Errorf("answers: %+v", got)
		}
	})
}

// TestPollLost: a page that PagerDuty took and does not have, or assigned to
// nobody, is told once it should be there, among few pages and among many.
func TestPollLost(t *testing.T) {
	for _, many := range []int{0, 30} {
		var lost []string
		inWorld(t, func(near *pagerduty.Config, far *stand.Config) {
			silent(near, far)
			near.Lost = func(_ context.Context, o pagerduty.Open, why string) error {
				lost = append(lost, fmt.Sprintf("%s %d: %s", o.Ref, o.Attempt, why))
				return nil
			}
		}, func(t *testing.T, w *world) {
			var open []pagerduty.Open
			for n := range many {
				m := message()
				m.Dedup = fmt.Sprintf("INC-%d/L1/%s", n+10, aliceMail)
				open = append(open, pagerduty.Open{Ref: w.page(m), Incident: "INC-3", Since: time.Now()})
			}
			open = append(open, pagerduty.Open{Ref: "QGONE01", Incident: "INC-1", Attempt: 4, Since: time.Now()})
			look := func() {
				if err := w.ch.Poll(t.Context(), open); err != nil {
					t.Error(err)
				}
			}
			look()
			if len(lost) > 0 {
				t.Errorf("told at once: %v", lost)
			}
			for range 3 { // at most twenty new ones each time
				time.Sleep(20 * time.Second)
				look()
			}
			if len(lost) == 0 || lost[0] != "QGONE01 4: PagerDuty took the page and does not have it" {
				t.Errorf("lost: %v", lost)
			}
			for _, l := range lost {
				if !strings.HasPrefix(l, "QGONE01") {
					t.Errorf("lost: %s", l)
				}
			}
		})
	}
}

// TestRefusedAcknowledgementIsRepeated with the next update.
func TestRefusedAcknowledgementIsRepeated(t *testing.T) {
	inWorld(t, silent, func(t *testing.T, w *world) {
		ref := w.page(message())
		f := notify.Follow{Delivery: "f", Incident: message().Incident, Refs: []string{ref}, Now: time.Now()}
		f.Record = incident.Record{Seq: 5, Event: incident.Acknowledged{By: bob, Via: "slack"}}
		w.pd.Break(stand.Fault{Method: http.MethodPut, Path: "/incidents", Status: http.StatusForbidden})
		if err := w.ch.Follow(t.Context(), f, false); err == nil {
			t.Fatal("it was not refused")
		}
		w.pd.Heal()
		f.Record = incident.Record{Seq: 6, Event: incident.Updated{By: bob, Text: "we look"}}
		if err := w.ch.Follow(t.Context(), f, false); err != nil {
			t.Fatal(err)
		}
		if i := w.only(); i.Status != "triggered" {
			t.Errorf("a page that nobody answered is %s after an update", i.Status)
		}
		f.Quiet, f.Record.Seq = []string{ref}, 7
		if err := w.ch.Follow(t.Context(), f, false); err != nil {
			t.Fatal(err)
		}
		if i := w.only(); i.Status != "acknowledged" {
			t.Errorf("the incident is %s after the next update", i.Status)
		}
	})
}

func TestOldAcknowledgementAnswersNothing(t *testing.T) {
	inWorld(t, silent, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.pd.Acknowledge("PALICE1", ref)
		time.Sleep(30 * time.Minute)
		w.ch.Poll(t.Context(), []pagerduty.Open{{Ref: ref, Since: time.Now()}})
		if got := w.heard(); len(got) != 0 {
			t.Errorf("answers: %+v", got)
		}
	})
}

// hook is a webhook's body about the incident with a key.
func hook(kind, key, agent string) []byte { return hookOf(kind, "Q0000009", key, agent) }

func hookOf(kind, id, key, agent string) []byte {
	return fmt.Appendf(nil, `{"event":{"id":"E1","event_type":%q,"resource_type":"incident","occurred_at":"2026-03-01T03:00:00.250Z",`+
		`"agent":%s,"client":null,"data":{"id":%q,"type":"incident","status":"acknowledged","incident_key":%q,"assignees":[],"new":1}}}`, kind, agent, id, key)
}

const (
	asAlice = `{"id":"PALICE1","type":"user_reference","summary":"Alice Johnson"}`
	asBot   = `{"id":"PBOT001","type":"user_reference","summary":"Muster"}`
	asEvent = `{"id":"PI","type":"inbound_integration_reference","summary":"Events"}`
)

func send(h http.Handler, body []byte, id string, signatures ...string) int {
	r := httptest.NewRequest("POST", "/v1/webhooks/pagerduty", bytes.NewReader(body))
	if id != "" {
		r.Header.Set("X-Webhook-Id", id)
	}
	for _, s := range signatures {
		r.Header.Add("X-PagerDuty-Signature", s)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Code
}

func TestWebhookSignatures(t *testing.T) {
	body := hook("incident.acknowledged", "INC-3/L1/"+aliceMail, asAlice)
	right, wrong := stand.Sign(body, hookSecret), stand.Sign(body, "another")
	for _, c := range []struct {
		name, secret string
		signatures   []string
		want         int
	}{
		{"right", hookSecret, []string{right}, 202},
		{"one of several", hookSecret, []string{wrong + "," + right}, 202},
		{"with a space", hookSecret, []string{wrong + ", " + right}, 202},
		{"in a header of its own", hookSecret, []string{wrong, right}, 202},
		{"one of our two secrets", "older," + hookSecret, []string{right}, 202},
		{"wrong", hookSecret, []string{wrong}, 403},
		{"missing", hookSecret, nil, 403},
		{"empty", hookSecret, []string{""}, 403},
		{"another version", hookSecret, []string{"v2" + right[2:]}, 403},
		{"without version", hookSecret, []string{right[3:]}, 403},
		{"not hexadecimal", hookSecret, []string{"v1=xyz"}, 403},
		{"nothing after the version", hookSecret, []string{"v1="}, 403},
		{"of another body", hookSecret, []string{stand.Sign([]byte("{}"), hookSecret)}, 403},
		{"no secret, signed with nothing", "", []string{stand.Sign(body, "")}, 403},
		{"a secret of commas, signed with nothing", ", ,", []string{stand.Sign(body, "")}, 403},
	} {
		inWorld(t, func(near *pagerduty.Config, _ *stand.Config) { near.WebhookSecret = c.secret }, func(t *testing.T, w *world) {
			if got := send(w.ch.Webhook(), body, "w1", c.signatures...); got != c.want {
				t.Errorf("%s: %d, want %d", c.name, got, c.want)
			}
			if got := w.heard(); (len(got) == 1) != (c.want == 202) {
				t.Errorf("%s: answers %+v", c.name, got)
			}
		})
	}
}

func TestWebhooksOnce(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		key := "INC-3/L1/" + aliceMail
		body := hook("incident.acknowledged", key, asAlice)
		sign := stand.Sign(body, hookSecret)
		// Nothing was recorded: it must come again.
		w.deaf = errors.New("the disk is full")
		if got := send(w.ch.Webhook(), body, "w1", sign); got != 503 {
			t.Errorf("unrecorded: %d", got)
		}
		w.deaf = nil
		for range 3 {
			if got := send(w.ch.Webhook(), body, "w1", sign); got != 202 {
				t.Errorf("got %d", got)
			}
		}
		if got := send(w.ch.Webhook(), body, "", sign); got != 202 { // replayed without its ID
			t.Errorf("got %d", got)
		}
		if got := w.heard(); len(got) != 1 {
			t.Errorf("answers: %+v", got)
		}
		// A refusal is an answer too; it does not come again.
		w.deaf = incident.Refusal{Code: "resolved", Text: "INC-3 is resolved already."}
		other := hook("incident.resolved", key, asAlice)
		if got := send(w.ch.Webhook(), other, "w2", stand.Sign(other, hookSecret)); got != 202 {
			t.Errorf("refused: %d", got)
		}
		w.deaf = nil
		// None of these is an answer, and none is refused.
		for n, b := range [][]byte{
			hook("incident.annotated", key, asAlice), hook("incident.triggered", key, asAlice), hook("incident.acknowledged", key, asBot),
			hook("incident.acknowledged", key, asEvent), hook("incident.acknowledged", key, "null"), hook("incident.acknowledged", "another", asAlice),
			hook("incident.acknowledged", "INC-x/L1/a", asAlice), []byte("{"), []byte(`{"event":{"event_type":"pagey.ping","data":{"message":"hello"}}}`),
		} {
			if got := send(w.ch.Webhook(), b, fmt.Sprint("x", n), stand.Sign(b, hookSecret)); got != 202 {
				t.Errorf("%s: %d", b, got)
			}
		}
		if got := w.heard(); len(got) != 1 {
			t.Errorf("answers: %+v", got)
		}
	})
}

// TestWebhookInTime: PagerDuty waits 5 s, even if we cannot find out who it was.
func TestWebhookInTime(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.pd.Break(stand.Fault{Method: "GET", Delay: time.Hour, Cut: true})
		body := hook("incident.acknowledged", "INC-3/L1/"+aliceMail, asAlice)
		began := time.Now()
		if got := send(w.ch.Webhook(), body, "w1", stand.Sign(body, hookSecret)); got != 503 {
			t.Errorf("got %d", got)
		}
		if took := time.Since(began); took >= 5*time.Second {
			t.Errorf("it took %v", took)
		}
		w.pd.Heal()
		synctest.Wait()
	})
}

// TestWebhookComesAgain: the stand-in repeats what we could not record.
func TestWebhookComesAgain(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.deaf = errors.New("the disk is full")
		w.pd.Acknowledge("PALICE1", ref)
		synctest.Wait()
		w.mu.Lock()
		w.deaf = nil
		w.mu.Unlock()
		time.Sleep(20 * time.Minute)
		if got := w.heard(); len(got) != 1 {
			t.Errorf("answers: %+v", got)
		}
	})
}
