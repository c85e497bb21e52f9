package commands

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// titles are words for somebody higher up, and roles of an incident that nobody
// is on call for. Alone behind escalate they are no reason.
var titles = []string{
	"backup", "boss", "ceo", "cfo", "chief", "cio", "ciso", "commander", "comms", "coo", "cpo", "cto", "dba", "director", "em", "executive", "head", "lead",
	"leader", "management", "manager", "oncall", "on-call", "ops", "owner", "primary", "scribe", "secondary", "supervisor", "support", "team", "teamlead",
	"tertiary", "tl", "vp",
}

// levelLike is a level in other words: level 3, l-3, lvl3.
var levelLike = regexp.MustCompile(`^(?:level|lvl|l)[-_ ]?([0-9]{1,2})$`)

// levelIn takes a level from the front of a text; false: it begins with none.
func levelIn(a *args) (string, bool) {
	first := a.first()
	if isLevel(first) {
		a.drop(0, 1)
		return strings.ToUpper(first.word()), true
	}
	if first.quoted {
		return "", false
	}
	for n, word := range []string{first.word(), first.word() + " " + second(a).word()} {
		if m := levelLike.FindStringSubmatch(word); m != nil {
			a.drop(0, n+1)
			return "L" + m[1], true
		}
	}
	return "", false
}

func second(a *args) token {
	if len(a.toks) < 2 {
		return token{}
	}
	return a.toks[1]
}

// misnamed refuses a text that begins with somebody who cannot be paged by that
// word: close to a role, or alone and a title or a colleague's name. The next
// level would be paged in their place, and the word taken for the reason. nil:
// the text is a reason.
func (c *Commands) misnamed(x *exec) *Reply {
	first := x.args.first()
	if first.quoted || x.args.empty() {
		return nil
	}
	word, alone := first.word(), len(x.args.toks) == 1
	slips := 1
	if alone {
		slips = 2
	}
	near := nearestOf(word, c.roleNames(x.at), slips)
	person := ""
	if alone {
		person = c.colleague(word)
	}
	if near == "" && person == "" && !(alone && slices.Contains(titles, word)) {
		return nil
	}
	var levels []string
	for _, l := range x.at.Plan.Ladder.Levels {
		levels = append(levels, l.Name+" "+l.Role)
	}
	rest := strings.TrimSpace(strings.TrimPrefix(x.args.text(), first.text))
	body := Say("Nobody was paged: ", Code(shorten(first.text, 40)), " is no role and no level here.")
	var pick []Choice
	add := func(whom, label string) {
		pick = append(pick, Choice{Value: strings.TrimSpace("escalate " + x.at.ID + " " + whom), Label: label})
	}
	switch {
	case person != "":
		body = Say(body, " A person is written ", Code(person), ".")
		add(person, "Page "+person)
	case near != "":
		body = Say(body, " The nearest is ", Code(near), ".")
		add(near+" "+rest, "Page "+near)
	}
	if len(levels) > 0 {
		body = Say(body, "\nLevels: ", strings.Join(levels, ", "), ".")
	}
	body = Say(body, "\nRoles: ", strings.Join(c.roleNames(x.at), ", "), ".")
	as := "escalate next " + shorten(x.args.text(), 60)
	body = Say(body, "\nIf these words are the reason: ", Code(x.typed(as)), " pages the next level.")
	add("next "+x.args.text(), "Page the next level")
	return &Reply{Code: CodeUsage, Body: body, Pick: pick, Ephemeral: true, Incident: x.at.ID}
}

// nearestOf finds the name that a word is a slip of, with at most so many
// letters wrong, in a short name one; empty: none is close.
func nearestOf(word string, names []string, slips int) string {
	best, score := "", 3
	for _, name := range names {
		limit := slips
		if utf8.RuneCountInString(name) < 7 {
			limit = 1
		}
		d := distance(word, strings.ToLower(name))
		if utf8.RuneCountInString(word) >= 2 && d <= limit && d < score && d < utf8.RuneCountInString(name)-1 {
			best, score = name, d
		}
	}
	return best
}

// colleague gives the handle of a person of the rotas whose handle or first
// name a word is; empty: nobody's.
func (c *Commands) colleague(word string) string {
	if c.Rotas == nil {
		return ""
	}
	for _, m := range c.Rotas.Schedule().Members() {
		handle := strings.TrimPrefix(m.Slack, "@")
		name, _, _ := strings.Cut(m.Name, " ")
		if handle != "" && (strings.EqualFold(word, handle) || strings.EqualFold(word, name)) {
			return "@" + handle
		}
	}
	return ""
}
