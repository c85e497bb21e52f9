package pagerduty_test

import (
	"testing"

	"muster/incident"
	"muster/notify/pagerduty"
	stand "muster/workspace/pagerduty"
)

// TestPagesOfEventsAfterTheSwitch: pages that left as events are followed, and
// answered, when an API key came later; the incident is found by its key, and
// where a webhook does not tell the key, by its alert.
func TestPagesOfEventsAfterTheSwitch(t *testing.T) {
	inWorld(t, func(near *pagerduty.Config, far *stand.Config) { events(near, far); silent(near, far) }, func(t *testing.T, w *world) {
		ref := w.page(message())
		cfg := w.cfg
		cfg.APIKey, cfg.RoutingKey, cfg.From = apiKey, "", botMail
		rest, err := pagerduty.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		cfg.RoutingKey = routingKey
		both, err := pagerduty.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.ch = rest
		w.follow(ref, 5, incident.Updated{By: alice, Text: "looking"}, false)
		if got := w.only(); len(got.Notes) != 1 {
			t.Errorf("notes: %+v", got.Notes)
		}
		body := hookOf("incident.acknowledged", w.only().ID, "", asAlice)
		if got := send(both.Webhook(), body, "w1", stand.Sign(body, hookSecret)); got != 202 {
			t.Errorf("got %d", got)
		}
		if got := w.heard(); len(got) != 1 || got[0].Incident != "INC-3" || got[0].Level != "L1" || got[0].Person.Key != aliceMail {
			t.Errorf("answers: %+v", got)
		}
		w.follow(ref, 6, incident.ResolvedEvent{By: alice}, false)
		w.follow(ref, 6, incident.ResolvedEvent{By: alice}, true)
		if got := w.only(); got.Status != "resolved" {
			t.Errorf("it is %s", got.Status)
		}
	})
}

// TestPersonOfAnID: who has which PagerDuty ID is the configuration's to say.
func TestPersonOfAnID(t *testing.T) {
	carol := incident.Person{Key: "carol@example.com", Name: "Carol"}
	inWorld(t, func(near *pagerduty.Config, far *stand.Config) {
		events(near, far)
		near.Person = func(id string) (incident.Person, bool) { return carol, id == "PALICE1" }
	}, func(t *testing.T, w *world) {
		ref := w.page(message())
		w.pd.Acknowledge("PALICE1", ref)
		w.pd.Acknowledge("PBOB001", ref)
		got := w.heard()
		if len(got) != 2 || got[0].Person != carol || got[1].Person != (incident.Person{Key: "pagerduty:PBOB001", Name: "Bob Diaz"}) {
			t.Errorf("answers: %+v", got)
		}
	})
}
