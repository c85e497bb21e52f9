package commands

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"muster/incident"
)

// line is a text after its first reading.
type line struct {
	spec *spec
	// ids name the incidents, in order.
	ids []string
	// late is an ID in the middle of free text: it names the incident only
	// when nothing else does.
	late string
	args args
	// verbEnd is where the command's word ends in the source.
	verbEnd int
}

var fillers = []string{"/incident", "incident", "muster", "@muster", "please", "pls", "hey"}

var idShape = regexp.MustCompile(`^(?i:inc-?|#)0*([0-9]{1,9})$`)

// idOf gives the incident that a token names, as "INC-3".
func idOf(t token) (string, bool) {
	if t.quoted {
		return "", false
	}
	m := idShape.FindStringSubmatch(strings.Trim(t.text, ".,:;!?()[]"))
	if m == nil {
		return "", false
	}
	return "INC-" + m[1], true
}

// severityWord reads P0 to P3, with brackets or a colon around it.
func severityWord(t token) (incident.Severity, bool) {
	s, err := incident.ParseSeverity(strings.Trim(t.text, "[](){}:,.;!-–—"))
	return s, err == nil && !t.quoted
}

func statusWord(t token) (incident.Status, bool) {
	s, err := incident.ParseStatus(t.word())
	return s, err == nil
}

func isDuration(t token) bool {
	_, err := ParseSpan(t.word())
	return err == nil
}

var levelShape = regexp.MustCompile(`^(?i:l[0-9]{1,2})$`)

func isLevel(t token) bool { return levelShape.MatchString(t.word()) }

// isPerson tells whether a token is written as a person.
func isPerson(t token) bool {
	if t.quoted {
		return false
	}
	s := strings.TrimRight(t.text, ".,:;!?")
	switch {
	case strings.HasPrefix(s, "<@"), strings.HasPrefix(s, "<mailto:"):
		return true
	case strings.HasPrefix(s, "@"):
		return len(s) > 1
	}
	at := strings.Index(s, "@")
	return at > 0 && strings.Contains(s[at:], ".") && !strings.ContainsAny(s, "/<>|")
}

func isRole(t token) bool {
	return slices.Contains([]string{"commander", "comms", "ops", "scribe"}, t.word())
}

// argument tells whether a token is something that a command takes, so that
// the command's word may stand behind it.
func argument(t token) bool {
	_, id := idOf(t)
	_, sev := severityWord(t)
	_, status := statusWord(t)
	_, isClock := parseClock(t.word())
	_, isWeekday := weekdayOf(t.word())
	_, isDate := parseDate(t.word())
	_, isZone := zoneOf(t.text)
	return id || sev || status || isClock || isWeekday || isDate || isZone || isPerson(t) || isDuration(t) || isLevel(t) ||
		slices.Contains(fillers, strings.ToLower(t.text))
}

// parse reads a text's command and the incident it names. The error is the
// answer to a text without a command.
func parse(text string) (line, *Reply) {
	toks := joinIDs(tokens(text))
	for len(toks) > 0 && slices.Contains(fillers, strings.ToLower(toks[0].text)) {
		toks = toks[1:]
	}
	if len(toks) == 0 {
		return line{spec: find("help"), args: args{src: text}}, nil
	}
	at, n, s := verb(toks)
	if s == nil {
		return implied(text, toks)
	}
	l := line{spec: s, verbEnd: toks[at+n-1].end}
	rest := append(append([]token{}, toks[:at]...), toks[at+n:]...)
	rest = slices.DeleteFunc(rest, func(t token) bool {
		return t.start < toks[at].start && slices.Contains(fillers, strings.ToLower(t.text))
	})
	if s.keepWord { // "comms @x" is "role comms @x"
		if w := toks[at].word(); w != s.name && isRole(toks[at]) {
			rest = append([]token{toks[at]}, rest...)
		}
	}
	l.args = args{src: text, toks: rest}
	if s.name != "help" && len(rest) == 1 && slices.Contains([]string{"help", "--help", "—help", "-h", "?"}, strings.ToLower(rest[0].text)) {
		r := explain(s)
		return line{}, &r
	}
	l.takeIDs()
	if s.name == "status" && l.args.empty() {
		l.spec = find("show")
	}
	return l, nil
}

// joinIDs reads "INC 3" as one token.
func joinIDs(toks []token) []token {
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].word() != "inc" || toks[i].quoted || toks[i+1].quoted {
			continue
		}
		if _, err := strconv.ParseUint(toks[i+1].word(), 10, 32); err == nil {
			toks[i].text, toks[i].end = "INC-"+toks[i+1].word(), toks[i+1].end
			toks = append(toks[:i+1], toks[i+2:]...)
		}
	}
	return toks
}

// verb finds the command's word: the first one, or one that only arguments
// stand before.
func verb(toks []token) (at, n int, s *spec) {
	for i, t := range toks {
		if i+1 < len(toks) {
			two := t.word() + " " + toks[i+1].word()
			if s := find(two); s != nil && t.word() != "" {
				return i, 2, s
			}
		}
		if s := find(t.word()); s != nil {
			// "critical create …" declares: the word is then a severity.
			if s.name == "critical" && i+1 < len(toks) {
				if c := find(toks[i+1].word()); c != nil && c.name == "create" {
					return i + 1, 1, c
				}
			}
			return i, 1, s
		}
		if !argument(t) {
			break
		}
	}
	return 0, 0, nil
}

// implied reads a text that has no command's word: an incident alone is shown,
// a status alone is set, a status with words is an update.
func implied(text string, toks []token) (line, *Reply) {
	l := line{args: args{src: text, toks: toks}}
	_, isStatus := statusWord(toks[0])
	_, isID := idOf(toks[0])
	switch {
	case len(toks) == 1 && isID:
		l.spec = find("show")
	case isStatus || isID && len(toks) > 1 && isStatusToken(toks[1]):
		l.spec = find("update")
		if len(slices.DeleteFunc(slices.Clone(toks), func(t token) bool { _, id := idOf(t); return id })) == 1 {
			l.spec = find("status")
		}
	default:
		r := unknown(toks)
		return line{}, &r
	}
	l.takeIDs()
	return l, nil
}

func isStatusToken(t token) bool { _, ok := statusWord(t); return ok }

// alike are words after which an incident is compared with, not named.
var alike = []string{"as", "like", "than", "see", "of", "by", "with", "from", "and", "or"}

// takeIDs removes the IDs that name the incident.
func (l *line) takeIDs() {
	a := &l.args
	if l.spec.ids == idsNone {
		return
	}
	leading := true
	for i := 0; i < len(a.toks); {
		t := a.toks[i]
		id, ok := idOf(t)
		switch {
		case !ok:
			leading = leading && l.spec.ids == idsAfterArgs && (argument(t) || slices.Contains(l.spec.words, t.word()))
			i++
			continue
		case l.spec.ids == idsAnywhere || leading:
		case i == len(a.toks)-1 && len(l.ids) == 0 && !slices.Contains(alike, a.toks[i-1].word()):
		default:
			if l.late == "" {
				l.late = id
			}
			i++
			continue
		}
		l.ids = append(l.ids, id)
		a.drop(i, 1)
	}
}

// typed writes a command the way the asker types it.
func (x *exec) typed(command string) string {
	if x.call.Via == ViaSlack {
		return "/incident " + command
	}
	return command
}
