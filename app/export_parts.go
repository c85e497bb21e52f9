package app

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"muster/bot"
	"muster/config"
	"muster/incident"
	"muster/report/chart"
)

// speaking reads what was said in a thread, or in a whole channel.
type speaking func(ctx context.Context, channel, ts string) ([]bot.Spoken, error)

// slackWithin bounds how long an export waits for Slack.
const slackWithin = 2 * time.Minute

// slackOf reads threads over Slack; its error says why that cannot be.
func slackOf(env func(string) (string, bool)) speaking {
	settings, err := config.LoadEnv(env)
	return func(ctx context.Context, channel, ts string) ([]bot.Spoken, error) {
		if err != nil {
			return nil, err
		}
		if !settings.SlackBotToken.IsSet() {
			return nil, fmt.Errorf("SLACK_BOT_TOKEN was not set")
		}
		ctx, cancel := context.WithTimeout(ctx, slackWithin)
		defer cancel()
		return newBot(settings).Transcript(ctx, channel, ts)
	}
}

// addPages puts every page with what became of it into an archive.
func addPages(parts map[string][]byte, history []incident.Record) error {
	ledger := incident.Ledger(history)
	if ledger == nil {
		ledger = []incident.LedgerEntry{}
	}
	text, err := json.MarshalIndent(ledger, "", "  ")
	parts["pages.json"] = text
	return err
}

// addSteps puts what the steps of playbooks said into an archive, a file for
// each; the whole of a long output is in the evidence.
func addSteps(parts map[string][]byte, history []incident.Record) {
	asked := map[int]incident.StepAsked{}
	for _, r := range history {
		switch e := r.Event.(type) {
		case incident.StepAsked:
			asked[e.N] = e
		case incident.StepEnded:
			was, o := asked[e.N], e.Outcome
			text := fmt.Sprintf("%s\n%s\n\nasked by %s, ended %s: %s\n", was.Title, was.Command, was.By, r.At.UTC().Format(time.RFC3339), o.End)
			if o.Why != "" {
				text += o.Why + "\n"
			}
			text += "\n" + o.Output
			if o.Cut {
				text += "\n(cut; the whole is evidence/" + o.Ref + ")\n"
			}
			parts[fmt.Sprintf("steps/%03d.txt", e.N)] = []byte(text)
		}
	}
}

// addCharts draws what was looked at after each resolution, from the record.
func addCharts(parts map[string][]byte, history []incident.Record) error {
	var began incident.WatchBegan
	var s incident.Incident
	var lines []chart.Line
	n := 0
	draw := func() error {
		for i, q := range began.Queries {
			if i >= len(lines) || len(lines[i].Points) == 0 {
				continue
			}
			n++
			c, scale := blank(q)
			for j := range lines[i].Points {
				lines[i].Points[j].V *= scale
			}
			c.Lines = []chart.Line{lines[i]}
			svg, err := chart.SVG(c)
			if err != nil {
				return err
			}
			parts[fmt.Sprintf("charts/%02d.svg", n)] = svg
		}
		return nil
	}
	for _, r := range history {
		s = incident.Apply(s, r)
		switch e := r.Event.(type) {
		case incident.WatchBegan:
			if err := draw(); err != nil {
				return err
			}
			began, lines = e, make([]chart.Line, len(e.Queries))
		case incident.Watched:
			for i, v := range e.Values {
				if v.V != nil && i < len(lines) {
					lines[i].Points = append(lines[i].Points, chart.Point{At: r.At, V: *v.V})
				}
			}
		}
	}
	return draw()
}

// addTranscript puts what was said in the thread and in the incident's own
// channel into an archive, with the files. When Slack does not give it, the
// archive says so in its place. Without read there is no transcript.
func addTranscript(ctx context.Context, parts map[string][]byte, history []incident.Record, read speaking) error {
	if read == nil {
		return nil
	}
	var s incident.Incident
	for _, r := range history {
		s = incident.Apply(s, r)
	}
	for _, place := range []struct{ name, what, channel, ts string }{
		{"transcript", "thread", s.Card.Channel, s.Card.TS}, {"channel", "channel", s.Room.Channel, ""},
	} {
		if place.channel == "" {
			continue
		}
		said, err := read(ctx, place.channel, place.ts)
		if err != nil {
			parts[place.name+".md"] = []byte("The " + place.what + " is not in this archive, since Slack did not give it: " + err.Error() + "\n")
			continue
		}
		var text strings.Builder
		for _, m := range said {
			fmt.Fprintf(&text, "**%s** %s\n\n%s\n\n", m.By, m.At.UTC().Format("2006-01-02 15:04:05"), m.Text)
			for _, f := range m.Files {
				name := path.Join("files", f.ID+"-"+plainName(f.Name))
				if f.Missing != "" {
					fmt.Fprintf(&text, "File %s (%d bytes) is not in this archive: %s\n\n", f.Name, f.Size, f.Missing)
					continue
				}
				parts[name] = f.Data
				fmt.Fprintf(&text, "File %s: %s\n\n", f.Name, name)
			}
		}
		parts[place.name+".md"] = []byte(text.String())
		if parts[place.name+".json"], err = json.MarshalIndent(said, "", "  "); err != nil {
			return err
		}
	}
	return nil
}

// plainName is a file's name without what a path could mean.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' || r == ':' {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "."))
}
