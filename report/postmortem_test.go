package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/report"
	"muster/report/chart"
)

var update = flag.Bool("update", false, "write the documents into testdata")

// played is the history of an incident with everything that a post-mortem tells.
func played() []incident.Record {
	person := func(name string) incident.Person {
		return incident.Person{Key: strings.ToLower(name) + "@example.com", Name: name}
	}
	ann, bob, mia := person("Ann Lee"), person("Bob Ray"), person("Mia Fox")
	start := time.Date(2026, 3, 4, 2, 57, 0, 0, time.UTC)
	var out []incident.Record
	add := func(after time.Duration, events ...incident.Event) {
		for _, e := range events {
			out = append(out, incident.Record{Seq: uint64(len(out) + 1), At: start.Add(after), Event: e})
		}
	}
	add(0, incident.Declared{ID: "INC-12", Title: "API service down", Severity: incident.P0, Service: "api", Impact: "Nobody can pay", By: ann,
		Plan: incident.Plan{Cadence: map[incident.Severity]string{incident.P0: "@every 10m"}}},
		incident.Paged{Attempt: 1, Level: "L1", Role: "primary", Person: bob, Methods: []string{"slack", "phone"}, Why: incident.WhyDue})
	add(20*time.Second, incident.PageSettled{Attempt: 1, Method: "phone", State: incident.PageFailed, Reason: "the line is busy"},
		incident.PageSettled{Attempt: 1, Method: "slack", State: incident.PageDelivered, Ref: "D1/2"})
	add(4*time.Minute, incident.Acknowledged{By: bob, Via: "slack"}, incident.RoleGiven{By: ann, Role: incident.Ops, Person: bob})
	add(9*time.Minute, incident.Updated{By: ann, Status: incident.Identified, Text: "The deploy of 02:40 broke the *login* | we roll back", Next: "watch errors"})
	add(19*time.Minute, incident.ReminderDue{Due: start.Add(19 * time.Minute)})
	add(29*time.Minute, incident.UpdateOverdue{Step: 1})
	add(30*time.Minute, incident.Paged{Attempt: 2, Level: "L3", Role: "manager", Person: mia, Methods: []string{"phone"}, Why: incident.WhyDue},
		incident.PageSettled{Attempt: 2, Method: "phone", State: incident.PageDelivered})
	add(31*time.Minute, incident.Noted{By: bob, Text: "<script>alert(1)</script> in the log of api-7"},
		incident.Updated{By: ann, Status: incident.Mitigating, Text: "Rolled back, errors fall", Next: "watch for ten minutes"},
		incident.Noted{By: ann, Text: "wrong thread, sorry"})
	add(44*time.Minute, incident.ActionAdded{By: ann, N: 1, Text: "Alert on failed logins", Owner: bob, Due: "2026-03-11"},
		incident.ActionAdded{By: ann, N: 2, Text: "Canary for the login service"},
		incident.ResolvedEvent{By: ann, Cause: "The deploy of 02:40 dropped a column that the login still read.", Fix: "Rolled back to 4.1.", Postmortem: start.Add(31 * time.Hour)})
	add(31*time.Hour, incident.PostmortemWritten{By: ann, Section: incident.SectionSummary, Text: "For 44 minutes nobody could pay.\nA deploy had dropped a column."},
		incident.PostmortemWritten{By: ann, Section: incident.SectionWell, Text: "The rollback took a minute."},
		incident.PostmortemWritten{By: ann, Section: incident.SectionBadly, Text: "An update was missed while everybody looked at logs."},
		incident.PostmortemWritten{By: ann, Section: incident.SectionPrevention, Text: "Columns are dropped one release later."},
		incident.RecordMarked{By: ann, Record: 14, Hidden: true}, incident.RecordMarked{By: ann, Record: 12, Text: "api-7 was the canary"},
		incident.ActionDone{By: bob, N: 1}, incident.ClosedEvent{By: ann})
	return out
}

func document(t *testing.T) report.Postmortem {
	t.Helper()
	limit := 1.0
	var line chart.Line
	start := time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)
	for m := range 120 {
		v := 0.2
		if m > 50 && m < 95 {
			v = 7
		}
		line.Points = append(line.Points, chart.Point{At: start.Add(time.Duration(m) * time.Minute), V: v})
	}
	line.Name = "api"
	svg, err := chart.SVG(chart.Chart{Title: "Errors", Unit: "%", Lines: []chart.Line{line}, From: start, To: start.Add(2 * time.Hour), Threshold: &limit})
	if err != nil {
		t.Fatal(err)
	}
	return report.Postmortem{Data: report.Collect(played()), Charts: []report.Picture{{Title: "Errors around the incident", SVG: svg}}, Past: []string{"INC-7 API slow, 2026-02-01: 12 min, ended by a rollback"}}
}

// Both documents are kept, to be read as somebody who was not there; -update
// writes them anew.
func TestPostmortemIsCompleteAndReadable(t *testing.T) {
	p := document(t)
	for file, make := range map[string]func(report.Postmortem, string) ([]byte, error){"postmortem.md": report.Markdown, "postmortem.html": report.HTML} {
		got, err := make(p, "")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || string(want) != string(got) {
			t.Errorf("%s is another one than testdata has (%v); read it, then go test ./report -update", file, err)
		}
		for _, part := range []string{
			"API service down", "44 min", "Nobody can pay", "dropped a column", "Rolled back to 4.1.", "the commander", "the operations lead", "busy",
			"The rollback took a minute.", "An update was missed", "Columns are dropped one release later.", "Alert on failed logins", "2026-03-11", "api-7 was the canary",
			"INC-7 API slow", "Mia Fox", "1 of 2 updates came late", "Errors around the incident",
		} {
			if !strings.Contains(string(got), part) {
				t.Errorf("%s does not say %q", file, part)
			}
		}
		for _, part := range []string{"<script>", "wrong thread, sorry"} {
			if strings.Contains(string(got), part) {
				t.Errorf("%s contains %q", file, part)
			}
		}
		timeline := string(got)
		if i := strings.Index(timeline, "Timeline"); i >= 0 {
			timeline = timeline[i:]
		}
		if i := strings.Index(timeline, "Who took part"); i >= 0 {
			timeline = timeline[:i]
		}
		for _, name := range []string{"Ann Lee", "Bob Ray"} {
			if strings.Contains(timeline, name) {
				t.Errorf("the timeline of %s names %s instead of the role", file, name)
			}
		}
	}
}

func TestOwnTemplate(t *testing.T) {
	p := document(t)
	got, err := report.Markdown(p, `{{.ID}}{{range shown}} [{{names .Said}}]{{end}}`)
	if err != nil || !strings.Contains(string(got), "INC-12 [Ann Lee declared P0") {
		t.Errorf("%s %v", got, err)
	}
	if _, err := report.Markdown(p, "line\n{{.Nonsense}}"); err == nil || !strings.Contains(err.Error(), "postmortem.md.tmpl:2") {
		t.Errorf("an error in a template does not name the line: %v", err)
	}
}

// A history of nothing but its first record, and none at all, make documents too.
func TestPostmortemOfLittle(t *testing.T) {
	for n := range len(played()) + 1 {
		p := report.Postmortem{Data: report.Collect(played()[:n])}
		if _, err := report.Markdown(p, ""); err != nil {
			t.Errorf("%d records: %v", n, err)
		}
		if _, err := report.HTML(p, ""); err != nil {
			t.Errorf("%d records: %v", n, err)
		}
	}
}
