package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"muster/commands"
	"muster/incident"
)

// Draft is what the records alone say about a section that nobody has written:
// one sentence a line. Nil: they say nothing about it.
func (p Postmortem) Draft(section incident.Section) []string {
	switch section {
	case incident.SectionSummary:
		return p.summary()
	case incident.SectionWell:
		return p.well()
	case incident.SectionBadly:
		return p.badly()
	case incident.SectionFix:
		if s, ok := p.lastChange(); ok {
			return []string{fmt.Sprintf("The last change before the end was “%s”: %s.", s.Title, s.Result())}
		}
	case incident.SectionPrevention:
		if n := len(p.Actions); n > 0 {
			return []string{fmt.Sprintf("See the follow-up below: %s, %d done.", counted(n, "action"), p.done())}
		}
	case incident.SectionImpact, incident.SectionCause:
	}
	return nil
}

func (p Postmortem) summary() []string {
	how := "It was declared"
	if len(p.Alerts) > 0 && p.Alerts[0].Since.Before(p.Start.Add(time.Minute)) {
		how = fmt.Sprintf("It began with the %s %s and was declared", plural(p.Alerts[0].Count, "alert"), p.Alerts[0].Title)
	}
	first := fmt.Sprintf("%s as %s", how, p.Severity)
	if len(p.Services) > 0 {
		first += " on " + joined(p.Services)
	}
	if p.Drill {
		first = "This was a DRILL. " + first
	}
	switch {
	case p.Merged != "":
		return []string{first + " and was merged into " + p.Merged + ", whose post-mortem has the rest."}
	case p.End.IsZero():
		return []string{first + " and is not resolved yet."}
	}
	lasted := "It lasted " + commands.Span(p.Marks.Resolve) + "."
	if p.Marks.Resolve < time.Second {
		lasted = "It was resolved at once."
	}
	out := []string{first + ". " + lasted}
	var times []string
	for _, m := range []struct {
		after time.Duration
		word  string
	}{{p.Marks.Acknowledge, "acknowledged"}, {p.Marks.FirstUpdate, "first reported on"}, {p.Marks.Mitigate, "mitigated"}} {
		if m.after > 0 && m.after < p.Marks.Resolve {
			times = append(times, m.word+" after "+commands.Span(m.after))
		}
	}
	if len(times) > 0 {
		out = append(out, "It was "+joined(times)+".")
	}
	if impact := p.Sections[incident.SectionImpact]; impact != "" {
		out = append(out, "What people noticed: "+sentence(impact))
	}
	if cause := p.Sections[incident.SectionCause]; cause != "" {
		out = append(out, "The cause: "+sentence(cause))
	}
	if fix := p.Sections[incident.SectionFix]; fix != "" {
		out = append(out, "What ended it: "+sentence(fix))
	}
	return out
}

func (p Postmortem) well() []string {
	var out []string
	if a := p.Marks.Acknowledge; a > 0 && len(p.Pages) > 0 {
		if first := p.Pages[0]; first.AnswerBy.IsZero() || !p.Start.Add(a).After(first.AnswerBy) {
			out = append(out, fmt.Sprintf("The first page was answered after %s.", commands.Span(a)))
		}
	}
	if p.Due() > 0 && p.Missed == 0 {
		out = append(out, fmt.Sprintf("All %s came on time.", counted(p.Due(), "update")))
	} else if p.Kept > p.Missed {
		out = append(out, fmt.Sprintf("%d of %s came on time.", p.Kept, counted(p.Due(), "update")))
	}
	for _, s := range p.Steps {
		if s.Changing && s.Outcome.End == incident.EndDone && s.UndoneBy == 0 && s.Undoes == 0 {
			out = append(out, fmt.Sprintf("“%s” of the playbook %s worked%s.", s.Title, s.Playbook, took(s)))
		}
		if s.Undoes > 0 && s.Outcome.End == incident.EndDone {
			out = append(out, fmt.Sprintf("“%s” could be taken back by one click%s.", strings.TrimPrefix(s.Title, "Undo: "), took(s)))
		}
	}
	return out
}

func (p Postmortem) badly() []string {
	var out []string
	if len(p.Pages) > 0 && !p.Pages[0].AnswerBy.IsZero() && (p.Marks.Acknowledge == 0 || p.Start.Add(p.Marks.Acknowledge).After(p.Pages[0].AnswerBy)) {
		after := "nobody acknowledged it"
		if p.Marks.Acknowledge > 0 {
			after = "somebody had it only after " + commands.Span(p.Marks.Acknowledge)
		}
		out = append(out, fmt.Sprintf("The first page was not answered in its %s: %s.", commands.Span(p.Pages[0].AnswerBy.Sub(p.Pages[0].At)), after))
	}
	if levels := p.levels(); len(levels) > 1 {
		out = append(out, fmt.Sprintf("It was escalated: %s were paged, %s in all.", joined(levels), counted(len(p.Pages), "page")))
	}
	if len(p.Unreached) > 0 {
		out = append(out, joined(inOrder(p.Unreached))+" reached nobody.")
	}
	failed := 0
	for _, page := range p.Pages {
		for _, m := range page.Methods {
			if m.State == incident.PageFailed {
				failed++
			}
		}
	}
	if failed > 0 {
		out = append(out, fmt.Sprintf("%s could not be delivered.", counted(failed, "page")))
	}
	if p.Missed > 0 {
		out = append(out, fmt.Sprintf("%d of %s came late.", p.Missed, counted(p.Due(), "update")))
	}
	for _, s := range p.Steps {
		switch {
		case s.UndoneBy > 0:
			out = append(out, fmt.Sprintf("“%s” (run %d) was taken back.", s.Title, s.N))
		case s.Outcome.End != incident.EndDone && s.Outcome.End != "":
			out = append(out, fmt.Sprintf("“%s” (run %d) %s.", s.Title, s.N, s.Result()))
		}
	}
	if p.Reopens > 0 {
		out = append(out, fmt.Sprintf("It came back: reopened %s.", counted(p.Reopens, "time")))
	}
	return out
}

// lastChange is the last change that was made and not taken back.
func (p Postmortem) lastChange() (Step, bool) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		if s := p.Steps[i]; s.Changing && s.Outcome.End == incident.EndDone && s.UndoneBy == 0 {
			return s, true
		}
	}
	return Step{}, false
}

// levels are those that were paged, in their order.
func (p Postmortem) levels() []string {
	var out []string
	known := map[string]bool{}
	for _, page := range p.Pages {
		if page.Level != "" && !known[page.Level] {
			known[page.Level] = true
			out = append(out, page.Level)
		}
	}
	return inOrder(out)
}

var numbered = regexp.MustCompile(`^[A-Za-z]+[0-9]{1,4}$`)

// inOrder sorts levels that are named by numbers; others stay as they came.
func inOrder(levels []string) []string {
	if slices.ContainsFunc(levels, func(l string) bool { return !numbered.MatchString(l) }) {
		return levels
	}
	return slices.SortedFunc(slices.Values(levels), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
}

func (p Postmortem) done() int {
	n := 0
	for _, a := range p.Actions {
		if a.Done {
			n++
		}
	}
	return n
}

// took says how long a step took, where it took long enough to say so.
func took(s Step) string {
	if s.Outcome.Took < time.Second {
		return ""
	}
	return " in " + commands.Span(s.Outcome.Took)
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func joined(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// sentence ends a text with a full stop.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if last, _ := utf8.DecodeLastRuneInString(text); text != "" && !strings.ContainsRune(".!?…。！？؟۔।", last) {
		text += "."
	}
	return text
}
