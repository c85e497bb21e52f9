package pagerduty_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"muster/incident"
	"muster/notify/pagerduty"
	"muster/outbox"
	stand "muster/workspace/pagerduty"
)

// events is a world with a routing key only.
func events(near *pagerduty.Config, far *stand.Config) {
	near.APIKey, near.From, near.RoutingKey = "", "", routingKey
	far.OnCall = "PBOB001"
}

func TestPageOverREST(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		got := w.only()
		if got.ID != ref || got.Key != "INC-3/L1/alice@example.com" || got.Urgency != "high" || got.Service != "PMUSTER" ||
			got.Title != "[P1] INC-3: API is down" || got.Status != "triggered" || got.Assigned[0].User != "PALICE1" {
			t.Errorf("the page is %+v, ref %s", got, ref)
		}
		for _, want := range []string{"Severity: P1 high", "Impact: no logins", "Level: L1 (primary)", "Commander: Bob Diaz", "Why: due",
			"https://slack.test/card", "https://muster.test/ack/x"} {
			if !strings.Contains(got.Body, want) {
				t.Errorf("the page does not say %q:\n%s", want, got.Body)
			}
		}
		if n := w.wakings(); n["Alice Johnson"] != 1 || len(n) != 1 {
			t.Errorf("woken: %v", n)
		}
	})
}

// TestPageForTheKeysOwnUser: without PAGERDUTY_FROM the key's own user makes the
// requests, and the header that PagerDuty wants is there.
func TestPageForTheKeysOwnUser(t *testing.T) {
	inWorld(t, func(near *pagerduty.Config, far *stand.Config) {
		near.From, far.Me = "", "PBOT001"
	}, func(t *testing.T, w *world) {
		ref := w.page(message())
		if got := w.only(); got.Status != "triggered" || got.Assigned[0].User != "PALICE1" {
			t.Errorf("the page is %+v", got)
		}
		w.follow(ref, 5, incident.Acknowledged{By: bob, Via: "phone"}, false)
		if got := w.only(); got.Status != "acknowledged" {
			t.Errorf("after the acknowledgement it is %s", got.Status)
		}
	})
}

func TestFirstPageIsOneRequestAfterWarm(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		if err := w.ch.Warm(t.Context(), message().To); err != nil {
			t.Fatal(err)
		}
		before := len(w.pd.Calls())
		w.page(message())
		if n := len(w.pd.Calls()) - before; n != 1 {
			t.Errorf("the page took %d requests, want 1", n)
		}
	})
}

func TestUrgencyOfTheChannel(t *testing.T) {
	for _, c := range []struct {
		configured string
		severity   incident.Severity
		want       string
	}{{"", incident.P0, "high"}, {"", incident.P2, "low"}, {"high", incident.P3, "high"}, {"low", incident.P0, "low"}} {
		inWorld(t, func(near *pagerduty.Config, _ *stand.Config) { near.Urgency = c.configured }, func(t *testing.T, w *world) {
			m := message()
			m.Incident.Severity = c.severity
			w.page(m)
			if got := w.only().Urgency; got != c.want {
				t.Errorf("urgency %q at %s is %s, want %s", c.configured, c.severity, got, c.want)
			}
		})
	}
}

func TestRepeatWakesAgainAndRetryDoesNot(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		m := message()
		ref := w.page(m)
		// The same delivery once more, after an answer that was lost: it looks.
		if got, err := w.ch.Deliver(t.Context(), m, true); err != nil || got.Ref != ref {
			t.Fatalf("retry: %v %v", got, err)
		}
		if n := w.wakings()["Alice Johnson"]; n != 1 {
			t.Fatalf("a retry woke Alice %d times, want 1", n)
		}
		if n := w.requests("POST", "/incidents"); n != 1 {
			t.Fatalf("a retry created again without looking: %d requests", n)
		}
		// The next page of the same level, five minutes later.
		time.Sleep(5 * time.Minute)
		m.Page.At, m.Page.Attempt, m.Delivery = time.Now(), 2, "d2"
		if got := w.page(m); got != ref {
			t.Errorf("the repeat is %s, want the same incident %s", got, ref)
		}
		if n := w.wakings()["Alice Johnson"]; n != 2 {
			t.Errorf("Alice was woken %d times, want 2", n)
		}
		// And its own retry.
		if _, err := w.ch.Deliver(t.Context(), m, true); err != nil {
			t.Fatal(err)
		}
		if n := w.wakings()["Alice Johnson"]; n != 2 {
			t.Errorf("Alice was woken %d times, want 2", n)
		}
		w.only()
	})
}

func TestRepeatAfterResolvedThere(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		first := w.page(message())
		if err := w.pd.Resolve("PALICE1", first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		m := message()
		if second := w.page(m); second == first {
			t.Error("the repeat hangs on a resolved incident")
		}
		if n := w.wakings()["Alice Johnson"]; n != 2 {
			t.Errorf("Alice was woken %d times, want 2", n)
		}
	})
}

// TestRepeatAfterAcknowledgementLapsed: the acknowledgement in PagerDuty is
// taken back, or nobody would be notified.
func TestRepeatAfterAcknowledgementLapsed(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		ref := w.page(message())
		if err := w.pd.Acknowledge("PALICE1", ref); err != nil {
			t.Fatal(err)
		}
		if got := w.heard(); len(got) != 1 {
			t.Errorf("answers: %+v", got)
		}
		time.Sleep(30 * time.Minute)
		// Also a new process, which remembers nothing, must not take the old
		// acknowledgement for an answer.
		again, err := pagerduty.New(w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := again.Deliver(t.Context(), message(), false); err != nil {
			t.Fatal(err)
		}
		if got := w.only(); got.Status != "triggered" {
			t.Errorf("after the repeat it is %s", got.Status)
		}
		if n := w.wakings()["Alice Johnson"]; n != 2 {
			t.Errorf("Alice was woken %d times, want 2", n)
		}
		if got := w.heard(); len(got) != 1 {
			t.Errorf("answers: %v", got)
		}
	})
}

// TestRepeatMeetsFreshAcknowledgement: who just acknowledged there is not woken
// again, and the answer is taken along.
func TestRepeatMeetsFreshAcknowledgement(t *testing.T) {
	inWorld(t, func(_ *pagerduty.Config, far *stand.Config) { far.WebhookURL = "" }, func(t *testing.T, w *world) {
		ref := w.page(message())
		time.Sleep(5 * time.Minute)
		if err := w.pd.Acknowledge("PALICE1", ref); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		w.page(message())
		if n := w.wakings()["Alice Johnson"]; n != 1 {
			t.Errorf("Alice was woken %d times, want 1", n)
		}
		if got := w.heard(); len(got) != 1 || got[0].Person != alice {
			t.Errorf("answers: %v", got)
		}
	})
}

func TestCreatorIsNotPaged(t *testing.T) {
	inWorld(t, func(near *pagerduty.Config, _ *stand.Config) { near.From = aliceMail }, func(t *testing.T, w *world) {
		_, err := w.ch.Deliver(t.Context(), message(), false)
		var p outbox.PermanentError
		if !errors.As(err, &p) || !strings.Contains(p.Reason, "PAGERDUTY_FROM") {
			t.Errorf("got %v", err)
		}
		clean(t, "the error", err.Error())
		if len(w.pd.Incidents()) != 0 {
			t.Error("an incident was created that notifies nobody")
		}
	})
	inWorld(t, func(near *pagerduty.Config, _ *stand.Config) { near.From, near.Spare = aliceMail, bobMail }, func(t *testing.T, w *world) {
		ref := w.page(message())
		if n := w.wakings()["Alice Johnson"]; n != 1 {
			t.Errorf("Alice was woken %d times, want 1", n)
		}
		// What she does on her own page counts, though she is the sender elsewhere.
		if err := w.pd.Acknowledge("PALICE1", ref); err != nil {
			t.Fatal(err)
		}
		if err := w.pd.Resolve("PALICE1", ref); err != nil {
			t.Fatal(err)
		}
		if got := w.heard(); len(got) != 2 || got[0].Person != alice || got[1].Kind != "resolve" {
			t.Errorf("answers: %+v", got)
		}
	})
}

func TestUnknownPeople(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, change := range []struct{ mail, id string }{{"nobody@example.com", ""}, {"", ""}, {"", "PNOBODY"}} {
			m := message()
			m.To.Email, m.To.PagerDuty = change.mail, change.id
			_, err := w.ch.Deliver(t.Context(), m, false)
			var p outbox.PermanentError
			if !errors.As(err, &p) || !strings.Contains(p.Reason, "oncall/rotation.yaml") {
				t.Errorf("%+v: got %v", change, err)
			}
			clean(t, "the error", err.Error())
		}
	})
}

func TestPageOverEvents(t *testing.T) {
	inWorld(t, events, func(t *testing.T, w *world) {
		m := message()
		if ref := w.page(m); ref != m.Dedup {
			t.Errorf("ref is %s, want %s", ref, m.Dedup)
		}
		w.page(m) // a repeat joins the open alert
		if got := w.only(); got.Key != m.Dedup || !got.Event {
			t.Errorf("got %+v", got)
		}
		if n := w.wakings(); n["Bob Diaz"] != 1 {
			t.Errorf("woken: %v", n)
		}
		w.follow(m.Dedup, 5, incident.Acknowledged{By: alice, Via: "slack"}, false)
		if got := w.only(); got.Status != "acknowledged" {
			t.Errorf("after the acknowledgement it is %s", got.Status)
		}
		w.follow(m.Dedup, 6, incident.Updated{By: alice, Text: "looking"}, false)
		w.follow(m.Dedup, 7, incident.ResolvedEvent{By: alice}, false)
		w.follow(m.Dedup, 7, incident.ResolvedEvent{By: alice}, true)
		if got := w.only(); got.Status != "resolved" {
			t.Errorf("after the resolution it is %s", got.Status)
		}
		if got := w.heard(); len(got) != 0 {
			t.Errorf("our own doings came back: %+v", got)
		}
	})
}

func TestEventSeverityAndLimits(t *testing.T) {
	for s, want := range map[incident.Severity]string{incident.P0: "critical", incident.P1: "error", incident.P2: "warning", incident.P3: "info"} {
		inWorld(t, events, func(t *testing.T, w *world) {
			m := message()
			m.Incident.Severity = s
			m.Incident.Title = strings.Repeat("ü", 3000)
			m.Dedup = "INC-3/L1/" + strings.Repeat("a", 300) + "@example.com"
			ref := w.page(m)
			var e struct {
				Key     string `json:"dedup_key"`
				Payload struct{ Severity, Summary string }
			}
			calls := w.pd.Calls()
			if err := json.Unmarshal([]byte(calls[len(calls)-1].Body), &e); err != nil {
				t.Fatal(err)
			}
			if e.Payload.Severity != want {
				t.Errorf("%s is %q, want %q", s, e.Payload.Severity, want)
			}
			if n := utf8.RuneCountInString(e.Payload.Summary); n != 1024 {
				t.Errorf("the summary has %d characters", n)
			}
			if e.Key != ref || len(e.Key) > 255 || !strings.HasPrefix(e.Key, "INC-3/L1/") {
				t.Errorf("the key is %q", e.Key)
			}
			if again := w.page(m); again != ref {
				t.Errorf("the key of the repeat is %q, want %q", again, ref)
			}
		})
	}
}
