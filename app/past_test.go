package app

import (
	"testing"
	"time"

	"muster/incident"
)

// Who begins is told what ended it the last times: of incidents with the same
// service, not of others, drills and private ones, and once.
func TestTheLastTimes(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		play := func(text, end string, takes time.Duration) {
			w.post(200, text, "erin@example.com", "")
			time.Sleep(takes)
			w.post(200, end, "erin@example.com", "")
		}
		play("create P2 Login slow service=api", "resolve INC-1 cause=x fix=restarted", 6*time.Minute)
		if n := w.facts("INC-1")["past_found"]; n != 0 {
			t.Errorf("the first of all was told of %d before it", n)
		}
		play("create P2 Mail late service=mail", "resolve INC-2 cause=x fix=waited", 9*time.Minute)
		play("create P2 API slow service=API", "resolve INC-3 cause=y fix=restarted", 12*time.Minute)
		play(`drill P3 "api gone"`, "resolve INC-4 z", time.Minute)
		w.post(200, "create P2 API dead service=api", "erin@example.com", "")
		card := w.card("API dead")
		w.inThread(card, time.Minute, "This happened before: “restarted” ended it in 6 min to 12 min, twice.", "INC-3", "INC-1", "ended by “restarted”")
		if n := w.said(card, "INC-2") + w.said(card, "INC-4"); n != 0 {
			t.Error("other incidents are named")
		}
		w.restart(time.Minute)
		time.Sleep(time.Minute)
		if n := w.said(card, "This happened before"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
		found, ok := false, false
		for _, r := range w.history("INC-5") {
			if e, is := r.Event.(incident.PastFound); is {
				found, ok = true, len(e.Past) == 2 && e.Past[0].ID == "INC-3" && e.Past[0].Card.TS != "" && e.Past[1].Took > 6*time.Minute-time.Second
			}
		}
		if !found || !ok {
			t.Errorf("on record: %v, right: %v", found, ok)
		}
	})
}
