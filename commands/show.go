package commands

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"muster/incident"
)

// show says all there is to know about where an incident stands.
func (c *Commands) show(x *exec) Reply {
	s, now := x.at, x.call.Now
	lines := []Rich{
		Say(Bold(s.ID+" "+s.Severity.String()), " ", s.Title),
		standing(s, now),
	}
	if s.Impact != "" || s.ETA != "" || s.Service != "" {
		var list []Rich
		for _, p := range [][2]string{{"Service: ", s.Service}, {"Impact: ", s.Impact}, {"ETA: ", s.ETA}} {
			if p[1] != "" {
				list = append(list, Say(p[0], p[1]))
			}
		}
		lines = append(lines, Join(list, " · "))
	}
	lines = append(lines, people(s))
	lines = append(lines, c.clocks(s, now)...)
	lines = append(lines, c.ladder(s, now)...)
	history, err := c.Reader.History(x.ctx, s.ID)
	if err != nil {
		return c.failed(err, s.ID)
	}
	ledger := incident.Ledger(history)
	lines = append(lines, pages(ledger)...)
	lines = append(lines, ran(s)...)
	lines = append(lines, alertsOf(s)...)
	lines = append(lines, followUps(s)...)
	if s.Room.Name != "" {
		lines = append(lines, Say("Channel: ", s.Room.Name))
	}
	r := answer(Join(lines, "\n"))
	r.Data = Shown{Incident: s, Ledger: ledger}
	return r
}

// Shown is what show says, for programs: the incident as it stands, and every
// page with what became of it.
type Shown struct {
	incident.Incident
	Ledger []incident.LedgerEntry `json:"ledger"`
}

func standing(s incident.Incident, now time.Time) Rich {
	out := Say("Status: ", s.Status)
	if s.Marked && s.Severity != incident.P0 {
		out = Say(out, ", business-critical")
	}
	out = Say(out, " · declared ", s.DeclaredAt)
	switch {
	case s.MergedInto != "":
		return Say(out, " · merged into ", s.MergedInto)
	case !s.ResolvedAt.IsZero():
		out = Say(out, " · resolved ", s.ResolvedAt, " after ", s.Duration(now), maybe(" · cause: ", s.Resolution.Cause), maybe(" · fix: ", s.Resolution.Fix))
		if !s.Resolution.Postmortem.IsZero() && s.ClosedAt.IsZero() {
			out = Say(out, " · post-mortem ", s.Resolution.Postmortem)
		}
		return out
	default:
		return Say(out, " · open for ", s.Duration(now))
	}
}

func people(s incident.Incident) Rich {
	out := Say("Commander: ", s.Holder(incident.Commander))
	for _, r := range []incident.Role{incident.Comms, incident.Ops, incident.Scribe} {
		if p := s.Holder(r); !p.Nobody() {
			out = Say(out, " · ", r, ": ", p)
		}
	}
	if !s.OnCall.Nobody() {
		out = Say(out, " · on call: ", s.OnCall)
	}
	return out
}

// clocks says when updates were and are due.
func (c *Commands) clocks(s incident.Incident, now time.Time) []Rich {
	var lines []Rich
	if !s.Update.At.IsZero() {
		lines = append(lines, Say("Last update: ", s.Update.At, " by ", s.Update.By, ": ", shorten(s.Update.Text, 200), maybe(" · next step: ", s.Update.Next)))
	}
	if !s.Open() {
		return lines
	}
	switch due := c.nextUpdate(s, now); {
	case !s.Clock.Due.IsZero():
		lines = append(lines, Say("Update overdue since ", s.Clock.Due, ", by ", now.Sub(s.Clock.Due)))
	case !due.IsZero():
		lines = append(lines, Say("Next update due: ", due))
	default:
		lines = append(lines, Say("No update clock for ", s.Severity))
	}
	return lines
}

// ladder says who has it, what holds, and who is paged next.
func (c *Commands) ladder(s incident.Incident, now time.Time) []Rich {
	if !s.Open() {
		return nil
	}
	var lines []Rich
	for _, a := range s.Acks {
		lines = append(lines, Say("Acknowledged by ", a.By, " at ", a.At))
	}
	if s.Held() {
		lines = append(lines, Say("Ladder held until ", s.Climb.HeldUntil, maybe(": ", s.Climb.HeldWhy)))
	}
	if len(s.Levels()) == 0 {
		return append(lines, Say("Ladder: ", s.Severity, " pages nobody by itself"))
	}
	var parts []string
	for _, l := range s.Levels() {
		r := s.Rung(l.Name)
		word := "to come"
		switch {
		case r.Passed && r.Why == incident.WhyAnswered:
			word = "answered"
		case r.Passed:
			word = "reached nobody"
		case !r.Since.IsZero():
			word = "paged"
		case l.Until == incident.UntilAcknowledged && s.Acked():
			word = "stopped"
		}
		parts = append(parts, l.Name+" "+l.Role+" "+word)
	}
	head := "Ladder: "
	if s.Climb.Round > 0 {
		head = fmt.Sprintf("Ladder, round %d: ", s.Climb.Round+1)
	}
	lines = append(lines, Say(head, strings.Join(parts, " · ")))
	if n, ok := c.nextPage(s, now); ok {
		return append(lines, Say("Next page: ", n))
	}
	return append(lines, Say("Next page: none"))
}

// maxPages is how many of the last pages are shown.
const maxPages = 6

// pages says who was paged over what, and what became of each.
func pages(ledger []incident.LedgerEntry) []Rich {
	if len(ledger) == 0 {
		return nil
	}
	lines := []Rich{Say(Bold("Pages"))}
	last := ledger[len(ledger)-1].Attempt
	if last > maxPages {
		lines[0] = Say(lines[0], fmt.Sprintf(" (the last %d of %d)", maxPages, last))
	}
	for len(ledger) > 0 {
		n := 1
		for n < len(ledger) && ledger[n].Attempt == ledger[0].Attempt {
			n++
		}
		if ledger[0].Attempt > last-maxPages {
			lines = append(lines, attempt(ledger[:n]))
		}
		ledger = ledger[n:]
	}
	return lines
}

// attempt is one page over all its methods.
func attempt(methods []incident.LedgerEntry) Rich {
	p := methods[0]
	var words []string
	unused := map[string]string{}
	for _, m := range methods {
		end := m.Steps[len(m.Steps)-1]
		if m.State == incident.LedgerUnused {
			unused[m.Method] = end.Reason
			continue
		}
		taken := end // what the provider did, not what it said afterwards
		for i := len(m.Steps) - 2; i >= 0 && taken.State == incident.LedgerTold; i-- {
			taken = m.Steps[i]
		}
		word := MethodName(m.Method) + " " + string(taken.State)
		if after := taken.At.Sub(m.Steps[0].At).Round(time.Second); len(m.Steps) > 1 && after > 0 {
			word += " after " + Span(after)
		}
		if end.Reason != "" {
			word += " (" + end.Reason + ")"
		}
		words = append(words, word)
	}
	line := Say("• ", p.Steps[0].At, " ", p.Person, ", ", levelOr(p), ", ", p.Why, ": ", strings.Join(words, ", "))
	if m := missing(unused); m != "" {
		line = Say(line, "; not used: ", m)
	}
	return line
}

func levelOr(p incident.LedgerEntry) string {
	if p.Level == "" && p.Role == "" {
		return "by name"
	}
	return levelOf(p.Level, p.Role)
}

func followUps(s incident.Incident) []Rich {
	if len(s.Actions) == 0 {
		return nil
	}
	lines := []Rich{Say(Bold("Follow-up"))}
	for _, a := range s.Actions {
		line := Say("• ", a.N, ". ", a.Text)
		if a.Done {
			line = Say("✓ ", a.N, ". ", a.Text)
		}
		if !a.Owner.Nobody() {
			line = Say(line, " · ", a.Owner)
		}
		lines = append(lines, Say(line, maybe(" · due ", a.Due)))
	}
	return lines
}

// Entry is one line of a timeline, for programs.
type Entry struct {
	Seq  uint64    `json:"seq"`
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// maxTimeline is how many of the last records a timeline shows as text; Data
// has all.
const maxTimeline = 80

func (c *Commands) timeline(x *exec) Reply {
	history, err := c.Reader.History(x.ctx, x.at.ID)
	if err != nil {
		return c.failed(err, x.at.ID)
	}
	var lines []Rich
	var data []Entry
	for _, r := range history {
		text := Line(r.Event)
		if len(text) == 0 {
			continue
		}
		lines = append(lines, Say(r.At, "  ", strconv.FormatUint(r.Seq, 10), "  ", text))
		data = append(data, Entry{Seq: r.Seq, At: r.At, Kind: incident.EventKind(r.Event), Text: text.Plain()})
	}
	head := Say(Bold(x.at.ID), " ", x.at.Title)
	if n := len(lines); n > maxTimeline {
		head = Say(head, fmt.Sprintf("\n(the last %d of %d records)", maxTimeline, n))
		lines = lines[n-maxTimeline:]
	}
	r := answer(head, "\n", Join(lines, "\n"))
	r.Data = data
	return r
}

func (c *Commands) list(x *exec) Reply {
	if c.Reader == nil || c.Lister == nil {
		return refuse(CodeMissing, Code("list"), " needs the running program: send it with ", Code("muster incident"), ".")
	}
	kind := x.args.first().word()
	switch {
	case kind == "":
		kind = "open"
	case len(x.args.toks) > 1:
		return usage(x.spec, "One word is enough.")
	}
	var found []Summary
	switch kind {
	case "open", "all":
		var err error
		if found, err = c.Lister.List(x.ctx, kind == "all", maxList); err != nil {
			return c.failed(err, "")
		}
	case "mine", "my", "me":
		kind = "mine"
		for _, s := range c.Reader.Open() {
			if concerns(s, x.call.By) {
				found = append(found, summary(s))
			}
		}
	default:
		return usage(x.spec, Code(shorten(kind, 40)), " is not a list.")
	}
	if len(found) == 0 {
		r := answer(map[string]string{"open": "No incident is open.", "all": "There are no incidents.", "mine": "No open incident has you in a role, on call or paged."}[kind])
		r.Data = []Summary{}
		return r
	}
	var lines []Rich
	for _, s := range found {
		line := Say(Bold(s.ID+" "+s.Severity.String()), " ", shorten(s.Title, 100), " · ", s.Status)
		switch {
		case s.MergedInto != "":
			line = Say(line, ", merged into ", s.MergedInto)
		case !s.ResolvedAt.IsZero():
			line = Say(line, " ", s.ResolvedAt)
		default:
			line = Say(line, " · open for ", x.call.Now.Sub(s.DeclaredAt), " · ", s.Commander)
		}
		lines = append(lines, line)
	}
	if len(found) == maxList {
		lines = append(lines, Say("(the newest ", maxList, ")"))
	}
	r := answer(Join(lines, "\n"))
	r.Data = found
	return r
}

// maxList is how many incidents a list shows.
const maxList = 50

// concerns tells whether a person has to do with an incident.
func concerns(s incident.Incident, p incident.Person) bool {
	for _, holder := range s.Roles {
		if holder.Is(p) {
			return true
		}
	}
	return s.AckedBy(p) || s.OnCall.Is(p) || pagedBy(s, p) || s.DeclaredBy.Is(p)
}

func (c *Commands) help(x *exec) Reply {
	if w := x.args.first(); w.text != "" {
		word := strings.ToLower(strings.TrimPrefix(x.args.text(), "/"))
		s := find(word)
		if s == nil {
			s = find(w.word())
		}
		if s != nil {
			return explain(s)
		}
		if near := nearest(w.word()); near != nil {
			r := explain(near)
			r.Body = Say("There is no command ", Code(shorten(w.text, 40)), "; the nearest is ", Code(near.name), ".\n", r.Body)
			return r
		}
		return refuse(CodeUsage, "There is no command ", Code(shorten(w.text, 40)), ". ", Code("help"), " lists them all.")
	}
	lines := []Rich{Say("Which incident: the one you name (", Code("INC-3"), "), else the channel's or thread's, else the only open one. ", Code("help"), " and a command explains it.")}
	for _, s := range specs {
		lines = append(lines, Say(Code(s.usage[0]), "  ", s.about))
	}
	return answer(Join(lines, "\n"))
}

func explain(s *spec) Reply {
	body := Say(Bold(s.name), ": ", s.about, ".")
	if s.more != "" {
		body = Say(body, " ", s.more)
	}
	for _, u := range s.usage {
		body = Say(body, "\nUsage: ", Code(u))
	}
	for _, e := range s.examples {
		body = Say(body, "\nFor example: ", Code(e))
	}
	if len(s.aliases) > 0 {
		body = Say(body, "\nAlso: ", strings.Join(s.aliases, ", "))
	}
	switch {
	case s.needs == Anyone:
		body = Say(body, "\nEverybody may.")
	case s.pagedToo:
		body = Say(body, "\nNeeds: ", string(s.needs), ", or to have been paged.")
	default:
		body = Say(body, "\nNeeds: ", string(s.needs), ".")
	}
	return answer(body)
}
