package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"muster/commands"
	"muster/incident"
	"muster/outbox"
	"muster/reminders"
	"muster/report/stats"
)

// digestRule is the rule of the day for the week behind.
func (r *roster) digestRule() reminders.Digest {
	d := r.live.Get().Digest
	schedule := d.Schedule()
	if schedule == nil {
		return reminders.Digest{}
	}
	return reminders.Digest{Due: d.Due, Next: schedule.Next, Began: r.began}
}

// postDigest tells the week behind, and what retention will erase in the next;
// a week in which nothing happened is not told.
func (p *Program) postDigest(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.DigestDue) ([]byte, error) {
	all := p.statistics()
	rows, err := all.Rows(ctx)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	cfg := p.opt.Live.Get()
	going, _, err := dueForErasure(p.incidents, cfg.Retention, e.At.Add(e.At.Sub(e.From)))
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	text := digest(rows, e, p.roster.zone)
	if soon := goingSoon(going); len(soon) > 0 {
		if len(text) > 0 {
			text = commands.Say(text, "\n")
		}
		text = commands.Say(text, soon)
	}
	if len(text) == 0 {
		return nil, nil
	}
	channel := cfg.Digest.Channel
	if channel == "" {
		channel = cfg.Channels.Incidents
	}
	return p.bot.Announce(ctx, d, maybeSent, channel, said(text))
}

// digest says what matters of a span in a few lines; empty: nothing happened.
func digest(rows []stats.Row, e incident.DigestDue, zone func(incident.Person) *time.Location) commands.Rich {
	span := e.At.Sub(e.From)
	now := stats.Of(rows, stats.Query{Since: e.From, Until: e.At, Zone: zone})[0]
	if now.Incidents == 0 && now.Pages == 0 {
		return nil
	}
	last := stats.Of(rows, stats.Query{Since: e.From.Add(-span), Until: e.From, Zone: zone})[0]
	body := commands.Say("🗓️ ", commands.Bold("Looking back"), " from ", e.From, " to ", e.At, ": ", plural(now.Incidents, "incident"), bySeverity(rows, e))
	if now.Open > 0 {
		body = commands.Say(body, ", ", now.Open, " still open")
	}
	if now.Reopened > 0 {
		body = commands.Say(body, ", ", now.Reopened, " reopened")
	}
	body = commands.Say(body, fmt.Sprintf(" (before that: %d).", last.Incidents))
	for _, t := range []struct {
		name      string
		now, last stats.Times
	}{{"Acknowledged", now.Acknowledge, last.Acknowledge}, {"Resolved", now.Resolve, last.Resolve}} {
		if t.now.Count == 0 {
			continue
		}
		body = commands.Say(body, "\n• ", t.name, " after ", t.now.Mean, " on average")
		if t.last.Count > 0 {
			body = commands.Say(body, " (", t.last.Mean, ")")
		}
	}
	if r, ok := longest(rows, e); ok {
		body = commands.Say(body, "\n• Longest: ", commands.Bold(r.ID), " ", r.Title, ", ", r.ResolvedAt.Sub(r.DeclaredAt))
	}
	if now.Missed > 0 {
		body = commands.Say(body, fmt.Sprintf("\n• Updates: %d of %d missed", now.Missed, now.Kept+now.Missed))
	}
	body = commands.Say(body, paging(now), comingBack(now))
	days := max(1, int(span.Round(24*time.Hour)/(24*time.Hour)))
	return commands.Say(body, "\nMore: ", commands.Code(fmt.Sprintf("/incident stats since %dd", days)))
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// bySeverity says how many of each there were: "(1 P0, 2 P1)".
func bySeverity(rows []stats.Row, e incident.DigestDue) string {
	out := ""
	for _, f := range stats.Of(rows, stats.Query{Since: e.From, Until: e.At, By: "severity"}) {
		if f.Incidents > 0 {
			out += fmt.Sprintf(", %d %s", f.Incidents, f.Group)
		}
	}
	if out == "" {
		return ""
	}
	return " (" + out[2:] + ")"
}

// longest is the resolved incident that took longest.
func longest(rows []stats.Row, e incident.DigestDue) (out stats.Row, ok bool) {
	took := func(r stats.Row) time.Duration { return r.ResolvedAt.Sub(r.DeclaredAt) }
	for _, r := range rows {
		if r.Merged || r.ResolvedAt.IsZero() || r.DeclaredAt.Before(e.From) || !r.DeclaredAt.Before(e.At) {
			continue
		}
		if !ok || took(r) > took(out) {
			out, ok = r, true
		}
	}
	return out, ok
}

// paging says what paging asked of people, by night above all.
func paging(f stats.Figures) commands.Rich {
	if f.Pages == 0 {
		return commands.Say("\n• Nobody was paged")
	}
	night := 0
	for _, l := range f.People {
		night += l.AtNight
	}
	out := commands.Say("\n• ", plural(f.Pages, "page"), ", ", night, " at night")
	if most := slices.MaxFunc(f.People, func(a, b stats.Load) int { return a.Nights - b.Nights }); most.Nights > 0 {
		return commands.Say(out, "; most nights broken: ", most.Person, ", ", most.Nights)
	}
	return out
}

// comingBack names the alerts that had several incidents.
func comingBack(f stats.Figures) commands.Rich {
	var out commands.Rich
	for i, a := range f.Alerts {
		if i == 3 {
			break
		}
		lead := ", "
		if i == 0 {
			lead = "\n• Came back: "
		}
		out = commands.Say(out, lead, a.Alert, " (", plural(a.Incidents, "incident"), ")")
	}
	return out
}
