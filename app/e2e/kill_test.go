package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// record is one entry of a history as the program's HTTP gives it.
type record struct {
	Seq  uint64          `json:"seq"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

func (d *demo) history(id string) []record {
	d.t.Helper()
	var got struct {
		History []record `json:"history"`
	}
	if err := d.get("/v1/incidents/"+id, &got); err != nil {
		d.t.Fatal(err)
	}
	return got.History
}

// has says whether a history has a record of a kind after a sequence.
func has(history []record, kind string, after uint64) bool {
	return slices.ContainsFunc(history, func(r record) bool { return r.Seq > after && r.Kind == kind })
}

func TestKilledInTheMiddleItGoesOnWithoutRepeating(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes are slow: not with -short")
	}
	data := filepath.Join(t.TempDir(), "muster.db")
	declare := func(d *demo) (id string) {
		t.Helper()
		var reply struct{ Incident string }
		if err := d.command("create P1 Search is slow", "erin@example.com", "declared-once", &reply); err != nil {
			t.Fatal(err)
		}
		return reply.Incident
	}
	d := startDemo(t, data, speed)
	id := declare(d)
	d.until("the reminder", func() bool { return has(d.history(id), "reminder_due", 0) })
	before := d.history(id)
	d.kill()

	d = startDemo(t, data, speed)
	if again := declare(d); again != id {
		t.Errorf("the same request gave %s after the restart, and %s before", again, id)
	}
	last := before[len(before)-1].Seq
	d.until("the clock going on", func() bool { return has(d.history(id), "update_overdue", last) })
	after := d.history(id)
	for i, r := range before {
		if after[i].Seq != r.Seq || after[i].Kind != r.Kind || string(after[i].Data) != string(r.Data) {
			t.Errorf("record %d was %s %s, and is %s %s after the restart", r.Seq, r.Kind, r.Data, after[i].Kind, after[i].Data)
		}
	}
	once := map[string]uint64{}
	for i, r := range after {
		if r.Seq != uint64(i+1) {
			t.Errorf("record %d has the number %d", i+1, r.Seq)
		}
		if !slices.Contains([]string{"declared", "reminder_due", "update_overdue", "paged", "level_passed"}, r.Kind) {
			continue
		}
		same := r.Kind + " " + string(r.Data)
		if first := once[same]; first != 0 {
			t.Errorf("record %d says the same as record %d: %s", r.Seq, first, same)
		}
		once[same] = r.Seq
	}
	var list struct{ Incidents []struct{ ID string } }
	if err := d.get("/v1/incidents?state=all", &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Incidents) != 1 {
		t.Errorf("there are %d incidents, want 1", len(list.Incidents))
	}
	d.interrupt()
}

// command gives a command over the program's own HTTP.
func (d *demo) command(text, as, key string, into any) error {
	return d.call("POST", "/v1/commands", key, strings.NewReader(fmt.Sprintf(`{"text": %q, "as": %q}`, text, as)), into)
}
