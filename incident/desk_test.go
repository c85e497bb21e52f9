package incident_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// TestSwapIsAnsweredOnce: the second answer says what became of the first, a
// span that is over is nobody's any more, and who asked can take it back.
func TestSwapIsAnsweredOnce(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	bob, carol := incident.Person{Key: "bob@example.com", Name: "Bob"}, incident.Person{Key: "carol@example.com", Name: "Carol"}
	d := incident.Desk{Stream: "DESK-1"}
	say := func(in incident.Intent) (incident.Event, error) {
		events, err := incident.HandleDesk(d, in, now)
		if err != nil {
			return nil, err
		}
		r := incident.Record{Seq: d.Seq + 1, At: now, Event: events[0]}
		d = incident.ApplyDesk(d, r)
		return r.Event, nil
	}
	told := func(e incident.Event) incident.Person {
		return incident.EffectsDesk(d, incident.Record{Seq: d.Seq, At: now, Event: e})[0].(incident.Tell).Person
	}
	ask := incident.AskSwap{Swap: incident.Swap{Role: "primary", By: bob, With: carol, From: now.Add(time.Hour), Until: now.Add(5 * time.Hour)}}
	refused := func(in incident.Intent, code, text string) {
		t.Helper()
		_, err := say(in)
		r, ok := errors.AsType[incident.Refusal](err)
		if !ok || r.Code != code || !strings.Contains(r.Text, text) {
			t.Errorf("%+v is answered with %v, want %s: %s", in, err, code, text)
		}
	}
	for range 3 {
		if _, err := say(ask); err != nil {
			t.Fatal(err)
		}
	}
	accepted, err := say(incident.AnswerSwap{ID: "SW-1", By: carol, Accept: true})
	if err != nil || !told(accepted).Is(bob) {
		t.Errorf("accepting gives %v and tells %v", err, told(accepted))
	}
	now = now.Add(time.Minute)
	for _, by := range []incident.Person{carol, bob} {
		refused(incident.AnswerSwap{ID: "SW-1", By: by, Accept: true}, "answered", "Carol accepted SW-1 already, on Sun 2026-11-22 at 03:00 UTC.")
	}
	back, err := say(incident.AnswerSwap{ID: "SW-2", By: bob})
	if err != nil || !told(back).Is(carol) {
		t.Errorf("taking it back gives %v and tells %v", err, told(back))
	}
	refused(incident.AnswerSwap{ID: "SW-2", By: carol, Accept: true}, "answered", "Bob declined SW-2 already")
	now = now.Add(6 * time.Hour)
	refused(incident.AnswerSwap{ID: "SW-3", By: carol, Accept: true}, "past", "is over already")
	refused(incident.AnswerSwap{ID: "SW-4", By: carol, Accept: true}, "no_swap", "no swap SW-4")
	if n := len(d.Overrides); n != 1 {
		t.Errorf("%d overrides, want the one that was accepted", n)
	}
	for range 3 { // a year later what is long over is forgotten
		now = now.Add(120 * 24 * time.Hour)
		ask.From, ask.Until = now.Add(time.Hour), now.Add(2*time.Hour)
		asked, err := say(ask)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := say(incident.AnswerSwap{ID: asked.(incident.SwapAsked).ID, By: carol, Accept: true}); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.Answers) != 1 || len(d.Overrides) != 1 {
		t.Errorf("%d answers and %d overrides are kept", len(d.Answers), len(d.Overrides))
	}
}
