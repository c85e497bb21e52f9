package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"image/png"
	"strings"
	"testing"
	"time"

	"muster/commands"
	"muster/report/stats"
)

const teamsYAML = `channels: {incidents: '#incidents'}
digest: {cron: '0 9 * * 1', zone: Europe/Berlin}
teams: {core: [API, db]}
`

// Statistics in each of their forms, over Slack and HTTP, agree.
func TestStatisticsInEveryForm(t *testing.T) {
	inBubble(t, map[string]string{"muster.yaml": teamsYAML}, func(w *world) {
		w.post(200, "create P1 API is slow service=api", "erin@example.com", "")
		w.post(200, "create P2 shop is slow service=shop", "erin@example.com", "")
		time.Sleep(10 * time.Minute)
		w.post(200, "ack INC-1", "bob@example.com", "")
		w.post(200, "resolve INC-1 a lock", "erin@example.com", "")

		var said []stats.Figures
		reply := w.replied("stats by team json")
		if err := json.Unmarshal([]byte(reply.Text), &said); err != nil || len(said) != 2 || said[0].Group != "core" || said[0].Acknowledge.Mean != 10*time.Minute || said[1].Group != "no team" {
			t.Errorf("JSON by team: %v\n%s", err, reply.Text)
		}
		reply = w.replied("stats team=core csv")
		if lines := strings.Split(strings.TrimSpace(reply.Text), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[1], ",1,0,0,600,") {
			t.Errorf("CSV of a team:\n%s", reply.Text)
		}
		reply = w.replied("stats chart")
		names := map[string]bool{}
		for _, f := range reply.Files {
			names[f.Name] = true
			if _, err := png.Decode(bytes.NewReader(f.Data)); err != nil {
				t.Errorf("%s is no picture: %v", f.Name, err)
			}
		}
		if !names["acknowledged.png"] || !names["resolved.png"] || !names["pages.png"] || !names["incidents.png"] {
			t.Errorf("the charts are %v", names)
		}

		ack := w.command("erin", "#incidents", "/incident stats chart")
		if !strings.Contains(string(ack.Payload), "4 files come as a message from Muster") {
			t.Errorf("the answer is %s", ack.Payload)
		}
		erin := w.ws.Person("erin")
		w.wait(20*time.Second, "charts in the direct messages", func() bool {
			n := 0
			for _, m := range erin.Messages(erin.DM("muster")) {
				n += len(m.Files)
			}
			return n == 4
		})

		// A name is no formula in a spreadsheet, and stays one cell.
		w.post(200, `create P2 the sheet service="=HYPERLINK(1,2)"`, "erin@example.com", "")
		lines, err := csv.NewReader(strings.NewReader(w.replied("stats by service csv").Text)).ReadAll()
		if err != nil || len(lines) != 4 {
			w.Fatalf("%d lines: %v", len(lines), err)
		}
		for _, line := range lines[1:] {
			if strings.HasPrefix(line[0], "=") || strings.Contains(line[0], "HYPERLINK") && line[0] != "'=HYPERLINK(1,2)" {
				t.Errorf("a spreadsheet would take %q for a formula", line[0])
			}
		}
		if last := lines[2][0] + lines[3][0] + lines[1][0]; !strings.Contains(last, "HYPERLINK") {
			t.Errorf("no line is of the service: %q", lines)
		}
	})
}

// replied is the answer to a command over HTTP.
func (w *world) replied(text string) (r commands.Reply) {
	w.Helper()
	if err := json.Unmarshal([]byte(w.post(200, text, "erin@example.com", "")), &r); err != nil {
		w.Fatal(err)
	}
	return r
}

// What nobody has is not drawn.
func TestChartsOfNothing(t *testing.T) {
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for name, weeks := range map[string][]stats.Span{"no weeks": nil, "a quiet week": {{From: at}}} {
		if files, err := drawStats(weeks); err != nil || len(files) != 0 {
			t.Errorf("%s: %v %v", name, files, err)
		}
	}
	files, err := drawStats([]stats.Span{{From: at, Figures: stats.Figures{Incidents: 1}}, {From: at.AddDate(0, 0, 7)}})
	if err != nil || len(files) != 1 || files[0].Name != "incidents.png" {
		t.Errorf("%v %v", files, err)
	}
}
