package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"muster/bot"
	"muster/config"
	"muster/incident"
	"muster/report/chart"
)

// speaking reads what was said in a thread, or in a whole channel.
type speaking func(ctx context.Context, channel, ts string) ([]bot.Spoken, error)

// slackWithin bounds how long an export waits for Slack.
const slackWithin = 2 * time.Minute

var errNoSlack = errors.New("SLACK_BOT_TOKEN is not set")

// slackOf reads threads over Slack; its error says why that cannot be.
func slackOf(env func(string) (string, bool)) speaking {
	settings, err := config.LoadEnv(env)
	return func(ctx context.Context, channel, ts string) ([]bot.Spoken, error) {
		if err != nil {
			return nil, err
		}
		if !settings.SlackBotToken.IsSet() {
			return nil, errNoSlack
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
			parts[place.name+".md"] = []byte("The " + place.what + " is not in this archive: " + notGiven(err) + "\n")
			continue
		}
		var text strings.Builder
		for _, m := range said {
			fmt.Fprintf(&text, "**%s** %s\n\n", m.By, m.At.UTC().Format("2006-01-02 15:04:05"))
			if m.Words != "" {
				fmt.Fprintf(&text, "%s\n\n", quoted(m.Words))
			}
			for _, f := range m.Files {
				name := path.Join("files", plainName(f.ID)+"-"+plainName(f.Name))
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

// notGiven says why there is no transcript, in the same words each time: how a
// connection failed is another story at every attempt.
func notGiven(err error) string {
	if refused, ok := errors.AsType[*bot.Error](err); ok {
		return fmt.Sprintf("Slack refused %s with %s.", refused.Method, cmp.Or(refused.Code, strconv.Itoa(refused.Status)))
	}
	if errors.Is(err, errNoSlack) {
		return "the export was made without a token for Slack."
	}
	return "Slack could not be reached."
}

// quoted is what somebody said, so that no line of it looks like another
// message.
func quoted(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ToValidUTF8(text, "\uFFFD")) {
		b.WriteString(strings.TrimRight("> "+line, " \r\n") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// longestName bounds a file's name, in bytes; most disks take 255.
const longestName = 150

// plainName is a file's name without what a path could mean and what cannot be
// seen; of a long one the end stays.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' || r == utf8.RuneError || !unicode.IsGraphic(r) {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "."))
	for len(name) > longestName {
		_, n := utf8.DecodeRuneInString(name)
		name = name[n:]
	}
	return name
}
