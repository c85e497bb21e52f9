package commands

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/incident"
	"muster/report/stats"
)

// statsFor is how far statistics look back when nobody says.
const statsFor = 30 * 24 * time.Hour

// How many people and alerts an answer names.
const (
	statsPeople = 8
	statsAlerts = 5
)

func statsSpec() spec {
	return spec{
		name: "stats", aliases: []string{"statistics", "metrics"}, target: targetNone,
		about: "time to acknowledge and to resolve, updates kept, pages per person and by night",
		usage: []string{"stats [since D|date] [until date] [by service|severity|team] [service=x …] [csv|json|chart]"},
		more: "Without since it is the last 30 days; since all is everything. service=x, severity=P1 and team=x count only those. Drills are not counted, and of merged incidents only the pages. A night is 22:00 to " +
			"07:00 where the person is. In Slack files come as a message from Muster; on the command line they are written where you are.",
		examples: []string{"stats", "stats since 7d by service", "stats --since 2026-01-01 csv", "stats since 90d service=api chart"},
		run:      (*Commands).stats,
	}
}

func (c *Commands) stats(x *exec) Reply {
	if c.Stats == nil {
		return refuse(CodeMissing, "Statistics are not configured here.")
	}
	q := stats.Query{Since: x.call.Now.Add(-statsFor), Zone: func(p incident.Person) *time.Location { return c.zone(p) }}
	given, form := map[string]string{}, ""
	for !x.args.empty() {
		word := strings.TrimLeft(x.args.first().word(), "-")
		x.args.drop(0, 1)
		word, value, joined := strings.Cut(word, "=")
		switch {
		case !joined && slices.Contains([]string{"csv", "json", "chart", "charts"}, word):
			form = strings.TrimSuffix(word, "s")
			continue
		case joined && slices.Contains(statsGroups, word):
			if q.Only == nil {
				q.Only = map[string]string{}
			}
			q.Only[word] = value
			continue
		case slices.Contains([]string{"since", "until", "by"}, word):
		default:
			return usage(x.spec, "Stats does not know ", Code(shorten(word, 40)), ".")
		}
		if !joined {
			value = x.args.first().word()
			if !x.args.empty() {
				x.args.drop(0, 1)
			}
		}
		given[word] = value
	}
	if r := c.statsSpan(x, &q, given); r != nil {
		return *r
	}
	switch by, ok := given["by"]; {
	case !ok:
	case slices.Contains(statsGroups, by):
		q.By = by
	default:
		return usage(x.spec, "Stats can be grouped by service, severity or team.")
	}
	rows, err := c.Stats.Rows(x.ctx)
	if err != nil {
		return c.failed(err, "")
	}
	figures := stats.Of(rows, q)
	r := answer(statsText(figures, q))
	r.Data = figures
	return c.statsForm(x, r, form, figures, func() []stats.Span { return stats.Weeks(rows, q, x.call.Now, c.zone(x.call.By)) })
}

// statsGroups are what statistics can be grouped by and narrowed to.
var statsGroups = []string{"service", "severity", "team"}

// statsForm gives an answer the form that was asked for. In Slack that is a
// file; elsewhere CSV and JSON are the answer itself.
func (c *Commands) statsForm(x *exec, r Reply, form string, figures []stats.Figures, weeks func() []stats.Span) Reply {
	var text []byte
	switch form {
	case "":
		return r
	case "chart":
		if c.Draw == nil {
			return refuse(CodeMissing, "Charts are not configured here.")
		}
		files, err := c.Draw(weeks())
		if err != nil {
			return c.failed(err, "")
		}
		r.Files = files
	case "csv":
		text = []byte(statsCSV(figures))
	default:
		var err error
		if text, err = json.MarshalIndent(figures, "", "  "); err != nil {
			return c.failed(err, "")
		}
	}
	switch {
	case form != "chart" && x.call.Via != ViaSlack:
		r.Body = Say(string(text))
		return r
	case form != "chart":
		r.Files = []File{{Name: "statistics." + form, Title: "Statistics", Data: text}}
	case len(r.Files) == 0:
		r.Body = Say(r.Body, "\nThere is nothing to draw.")
		return r
	}
	if x.call.Via == ViaSlack {
		r.Body = Say(r.Body, "\n", count(len(r.Files), "file comes", "files come"), " as a message from Muster.")
	}
	return r
}

// statsSpan reads since and until: a span back from now, a moment, or "all".
func (c *Commands) statsSpan(x *exec, q *stats.Query, given map[string]string) *Reply {
	for word, to := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		text, ok := given[word]
		if !ok {
			continue
		}
		if text == "all" {
			*to = time.Time{}
			continue
		}
		if back, err := ParseSpan(text); err == nil {
			*to = x.call.Now.Add(-back)
			continue
		}
		at, err := ParseTime(text, x.call.Now, c.zone(x.call.By))
		if err != nil {
			r := usage(x.spec, "Stats cannot read ", Code(shorten(text, 40)), " after ", word, ": say a span such as ", Code("30d"), ", a day such as ", Code("2026-01-05"), ", or ", Code("all"), ".")
			if text == "" {
				r = usage(x.spec, "Stats needs to know ", word, " when: say a span such as ", Code("30d"), ", a day such as ", Code("2026-01-05"), ", or ", Code("all"), ".")
			}
			return &r
		}
		*to = at
	}
	if q.Since.After(x.call.Now) {
		r := usage(x.spec, "The begin ", q.Since, " lies ahead: there is nothing to count yet.")
		return &r
	}
	if !q.Until.IsZero() && !q.Until.After(q.Since) {
		r := usage(x.spec, "The end must be after the begin.")
		return &r
	}
	return nil
}

func statsText(groups []stats.Figures, q stats.Query) Rich {
	head := Say(Bold("Statistics"))
	switch {
	case q.Since.IsZero() && q.Until.IsZero():
		head = Say(head, " of all incidents")
	case q.Since.IsZero():
		head = Say(head, " until ", q.Until)
	default:
		head = Say(head, " since ", q.Since)
		if !q.Until.IsZero() {
			head = Say(head, " until ", q.Until)
		}
	}
	lines := []Rich{head}
	if len(groups) == 0 || len(groups) == 1 && groups[0].Incidents == 0 && groups[0].Pages == 0 {
		return Join(append(lines, Say("There was no incident.")), "\n")
	}
	for _, f := range groups {
		lines = append(lines, statsGroup(f)...)
	}
	return Join(lines, "\n")
}

func statsGroup(f stats.Figures) []Rich {
	head := Say(count(f.Incidents, "incident"))
	if f.Group != "" {
		head = Say(Bold(f.Group), ": ", head)
	}
	if f.Open > 0 {
		head = Say(head, ", ", f.Open, " open")
	}
	if f.Reopened > 0 {
		head = Say(head, ", ", f.Reopened, " reopened")
	}
	lines := []Rich{head}
	for _, t := range []struct {
		name string
		stats.Times
	}{{"Acknowledged (MTTA)", f.Acknowledge}, {"First update", f.FirstUpdate}, {"Mitigated", f.Mitigate}, {"Resolved (MTTR)", f.Resolve}} {
		if t.Count == 0 {
			lines = append(lines, Say("• ", t.name, ": never"))
			continue
		}
		lines = append(lines, Say("• ", t.name, ": ", t.Mean, " on average · half within ", t.Median, " · nine of ten within ", t.P90))
	}
	if share, ok := f.Punctual(); ok {
		lines = append(lines, Say(fmt.Sprintf("• Updates: %.0f %% kept (%d of %d)", share*100, f.Kept, f.Kept+f.Missed)))
	}
	for _, t := range []struct {
		name string
		stats.Times
	}{{"Approvals", f.Approve}, {"Steps of playbooks", f.Steps}} {
		if t.Count > 0 {
			lines = append(lines, Say("• ", t.name, ": ", t.Count, ", ", t.Mean, " on average · half within ", t.Median, " · nine of ten within ", t.P90))
		}
	}
	if len(f.Alerts) > 0 {
		lines = append(lines, Say("• Repeated alerts: ", repeatedAlerts(f.Alerts)))
	}
	if f.Pages == 0 {
		return append(lines, Say("• Nobody was paged."))
	}
	lines = append(lines, Say("• Pages: ", f.Pages))
	for i, l := range f.People {
		if i == statsPeople {
			lines = append(lines, Say("    and ", count(len(f.People)-i, "other person", "other people")))
			break
		}
		line := Say("    ", l.Person, ": ", l.Pages)
		if l.Nights > 0 {
			line = Say(line, ", ", l.AtNight, " at night, ", count(l.Nights, "broken night"))
		}
		lines = append(lines, line)
	}
	return lines
}

// repeatedAlerts names the first few, with how many incidents each had.
func repeatedAlerts(alerts []stats.Repeat) Rich {
	var out []Rich
	for i, a := range alerts {
		if i == statsAlerts {
			out = append(out, Say(len(alerts)-i, " more"))
			break
		}
		out = append(out, Say(shorten(a.Alert, 80), " (", count(a.Incidents, "incident"), ")"))
	}
	return Join(out, ", ")
}

// count says how many of a thing, in the plural where it is not one.
func count(n int, one string, more ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(more) > 0:
		return strconv.Itoa(n) + " " + more[0]
	default:
		return strconv.Itoa(n) + " " + one + "s"
	}
}

// plainCell keeps a spreadsheet from taking a name for a formula.
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// statsCSV writes one line for each group; times are in seconds, empty where
// there are none.
func statsCSV(groups []stats.Figures) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	row := func(cells ...string) { _ = w.Write(cells) } // a strings.Builder takes everything
	row("group", "incidents", "open", "reopened", "mtta_s", "first_update_s", "mitigate_s", "mttr_s", "updates_kept", "updates_missed", "pages", "pages_at_night",
		"broken_nights", "approvals", "approval_s", "steps", "step_s", "repeated_alerts")
	for _, f := range groups {
		seconds := func(t stats.Times) string {
			if t.Count == 0 {
				return ""
			}
			return strconv.FormatFloat(t.Mean.Seconds(), 'f', 0, 64)
		}
		late, nights := 0, 0
		for _, l := range f.People {
			late, nights = late+l.AtNight, nights+l.Nights
		}
		row(plainCell(f.Group), strconv.Itoa(f.Incidents), strconv.Itoa(f.Open), strconv.Itoa(f.Reopened), seconds(f.Acknowledge), seconds(f.FirstUpdate),
			seconds(f.Mitigate), seconds(f.Resolve), strconv.Itoa(f.Kept), strconv.Itoa(f.Missed), strconv.Itoa(f.Pages), strconv.Itoa(late),
			strconv.Itoa(nights), strconv.Itoa(f.Approve.Count), seconds(f.Approve), strconv.Itoa(f.Steps.Count), seconds(f.Steps), strconv.Itoa(len(f.Alerts)))
	}
	w.Flush()
	return b.String()
}
