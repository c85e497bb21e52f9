package bot_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/outbox"
	"muster/workspace"
)

// late delivers a line that was decided some time ago.
func (w *town) late(e incident.Thread, id string, ago time.Duration, maybeSent bool) (incident.Receipt, error) {
	d := delivery(e, id)
	d.At = time.Now().Add(-ago)
	raw, err := w.bot.Handler().Deliver(w.ctx, d, maybeSent)
	var r incident.Receipt
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	return r, err
}

// TestLinesThatWaited: one that waited long takes those behind it along, and
// what it took along is known again after its answer was lost.
func TestLinesThatWaited(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		var lines []incident.Thread
		for _, text := range []string{"first", "second", "third"} {
			r := w.record(incident.Noted{By: alice, Text: text})
			lines = append(lines, incident.Thread{Seq: r.Seq, What: incident.EventKind(r.Event)})
		}
		thread := func() []workspace.Message { return w.ws.Person("bob").Thread("#incidents", s.Card.TS)[1:] }
		if r, err := w.late(lines[0], "INC-1/9/0", time.Minute, false); err != nil || r.Through != 0 {
			t.Fatalf("a line that waited a minute: %+v %v", r, err)
		}
		w.ws.SetFaults(workspace.Faults{LoseAnswersEvery: 1})
		if _, err := w.late(lines[1], "INC-1/10/0", 3*time.Minute, false); err == nil {
			t.Fatal("the answer was not lost")
		}
		w.ws.SetFaults(workspace.Faults{})
		time.Sleep(time.Minute)
		last := lines[2].Seq
		after := w.record(incident.Noted{By: alice, Text: "after it"})
		r, err := w.late(lines[1], "INC-1/10/0", 4*time.Minute, true)
		if err != nil || r.Through != last || r.Through >= after.Seq {
			t.Errorf("the message that was found tells up to %d, want %d: %v", r.Through, last, err)
		}
		if n := len(thread()); n != 2 {
			t.Errorf("%d messages, want 2: %s", n, all(thread()))
		}
		w.wantOne(thread(), "third")
		if text := text(thread()[1]); strings.Contains(text, "first") || !strings.Contains(text, "second") {
			t.Errorf("it tells %s", text)
		}
	})
}

// TestOneLineThatWaited keeps its own shape, and so does a reminder.
func TestOneLineThatWaited(t *testing.T) {
	inTown(t, func(w *town) {
		s := w.declared()
		due := w.record(incident.ReminderDue{Due: time.Now()})
		r := w.record(incident.Updated{By: alice, Text: "rolled back"})
		for _, line := range []incident.Thread{{Seq: due.Seq, What: incident.EventKind(due.Event)}, {Seq: r.Seq, What: incident.EventKind(r.Event), Also: true}} {
			if receipt, err := w.late(line, "INC-1/9/"+line.What, time.Hour, false); err != nil || receipt.Through != 0 {
				t.Errorf("%s: %+v %v", line.What, receipt, err)
			}
		}
		b := w.ws.Person("bob")
		w.wantOne(b.Thread("#incidents", s.Card.TS), "No change")
		w.wantOne(b.Messages("#incidents"), "Actions taken: rolled back")
		var refused outbox.PermanentError
		if _, err := w.late(incident.Thread{Seq: r.Seq, InRoom: true}, "INC-1/20/0", time.Hour, false); !errors.As(err, &refused) {
			t.Errorf("a line for a channel that is not there: %v", err)
		}
	})
}
