package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"muster/incident"
)

// What was looked at after a resolution is drawn from the record alone, and
// what a step said is there in its own file.
func TestExportDrawsTheRecord(t *testing.T) {
	at := time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)
	limit, low, high := 0.05, 0.01, 0.08
	var history []incident.Record
	add := func(e incident.Event) {
		at = at.Add(time.Minute)
		history = append(history, incident.Record{Seq: uint64(len(history) + 1), At: at, Event: e})
	}
	add(incident.Declared{ID: "INC-1", Title: "API down"})
	add(incident.StepAsked{N: 1, Title: "Pods", Command: "kubectl get pods"})
	add(incident.StepEnded{N: 1, Outcome: incident.Outcome{End: incident.EndDone, Output: "api-7 Running"}})
	add(incident.WatchBegan{Queries: []incident.WatchQuery{{Name: "error rate", Unit: "ratio", Limit: &limit}, {Name: "never seen"}}})
	add(incident.Watched{Values: []incident.WatchValue{{V: &low}, {}}})
	add(incident.Watched{Values: []incident.WatchValue{{V: &high}, {}}})
	first, again := map[string][]byte{}, map[string][]byte{}
	for _, parts := range []map[string][]byte{first, again} {
		addSteps(parts, history)
		if err := addCharts(parts, history); err != nil {
			t.Fatal(err)
		}
	}
	if len(first) != 2 || !strings.Contains(string(first["charts/01.svg"]), "error rate") || !bytes.Equal(first["charts/01.svg"], again["charts/01.svg"]) {
		t.Errorf("the charts are not those of the record: %v", first)
	}
	if text := string(first["steps/001.txt"]); !strings.Contains(text, "kubectl get pods") || !strings.Contains(text, "api-7 Running") {
		t.Errorf("the step says %q", text)
	}
}
