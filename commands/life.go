package commands

import (
	"strings"
	"time"

	"muster/incident"
)

// declaration is what create knows before it asks the engine.
type declaration struct {
	title, service, impact string
	severity               incident.Severity
	chosen                 string // where the severity came from; empty: not named
	critical, private      bool
}

// byHand and byDefault say where a severity came from, besides a leading word
// and a playbook.
const (
	byHand    = "chosen by hand"
	byDefault = "the default"
)

// declared reads create's text.
func declared(a *args) declaration {
	d := declaration{private: takePrivate(a)}
	keys := a.keyed([]string{"service", "svc", "severity", "sev"}, []string{"impact"})
	d.service, d.impact = keys["service"], keys["impact"]
	if d.service == "" {
		d.service = keys["svc"]
	}
	for _, k := range []string{"severity", "sev"} {
		if s, ok := severityName(keys[k]); ok {
			d.severity, d.chosen = s, byHand
		}
	}
	if d.chosen == "" {
		d.leading(a)
	}
	if d.title == "" {
		d.title = strings.Join(strings.Fields(a.text()), " ")
	}
	return d
}

// leading takes the severity from the first word: a P-level always, the word
// critical when it is not quoted, the other words when a colon or a dash sets
// them apart, since "high CPU" is a title.
func (d *declaration) leading(a *args) {
	if a.empty() {
		return
	}
	t := a.first()
	head, rest, spaced := strings.Cut(strings.TrimSpace(t.text), " ")
	word := strings.Trim(head, "[](){}:,.;-–—")
	apart := head != word || strings.HasPrefix(strings.TrimSpace(rest), "- ")
	if !t.quoted && len(a.toks) > 1 {
		next := a.toks[1].text
		apart = apart || next == "-" || next == "–" || next == "—" || next == ":"
	}
	s, err := incident.ParseSeverity(word)
	if err != nil {
		var ok bool
		s, ok = severityName(word)
		if !ok || !apart && (t.quoted || !strings.EqualFold(word, "critical")) {
			return
		}
	}
	d.severity, d.chosen = s, "the leading word "+strings.ToUpper(word[:1])+word[1:]
	if t.quoted && spaced {
		d.title = strings.Join(strings.Fields(strings.TrimLeft(rest, " -–—:")), " ")
		a.drop(0, 1)
		if !a.empty() {
			d.title += " " + strings.Join(strings.Fields(a.text()), " ")
		}
		return
	}
	a.drop(0, 1)
	for !a.empty() && strings.Trim(a.first().text, "-–—:") == "" && !a.first().quoted {
		a.drop(0, 1)
	}
}

// severityName reads P0 to P3 and critical, high, medium, low.
func severityName(word string) (incident.Severity, bool) {
	if s, err := incident.ParseSeverity(word); err == nil {
		return s, true
	}
	for _, s := range incident.Severities {
		if strings.EqualFold(s.Word(), word) {
			return s, true
		}
	}
	return 0, false
}

// choose settles the severity: named, a playbook that fits, or the default.
func (c *Commands) choose(d *declaration) {
	if d.chosen != "" {
		return
	}
	if c.Playbooks != nil {
		if s, playbook, ok := c.Playbooks.Match(d.title, d.service); ok {
			d.severity, d.chosen = s, "the playbook "+playbook
			return
		}
	}
	d.severity, d.chosen = incident.P1, byDefault
	if c.Default != nil {
		d.severity = c.Default()
	}
}

func (c *Commands) create(x *exec) Reply {
	d := declared(&x.args)
	if d.title == "" {
		f := createForm(d)
		return askForm(x, f, "Say what is wrong: ", Code(`create "API service down"`), ".")
	}
	return c.declare(x, d)
}

func (c *Commands) declare(x *exec, d declaration) Reply {
	c.choose(&d)
	in := incident.Declare{
		Title: d.title, Severity: d.severity, Chosen: d.chosen, Service: d.service, Impact: d.impact,
		By: x.call.By, Critical: d.critical, Origin: x.call.Channel, Private: d.private,
	}
	if c.Plan != nil {
		in.Plan = c.Plan(d.severity)
	}
	return c.step(x.ctx, Request{New: true, Intent: in, Key: x.call.Key}, func(o outcome) Reply {
		s := o.after
		body := Say(Bold(s.ID+" "+s.Severity.String()), " ", s.Title, "\n")
		switch d.chosen {
		case byHand:
			body = Say(body, "Severity ", s.Severity, " as you said.")
		case byDefault:
			body = Say(body, "Severity ", s.Severity, " is the default; ", Code(x.typed("severity P0 "+s.ID)), " changes it.")
		default:
			body = Say(body, "Severity ", s.Severity, " comes from ", d.chosen, ".")
		}
		if s.Holder(incident.Commander).Is(x.call.By) {
			body = Say(body, " You are the commander.")
		}
		if s.Circle.Private {
			body = Say(body, "\nIt is private: it gets a channel that you are invited into, and nobody else is told. ", Code(x.typed("invite @x "+s.ID)), " lets somebody in.")
		}
		if pages := pagedNow(o); len(pages) > 0 {
			body = Say(body, "\n", pages)
		} else if len(s.Levels()) == 0 {
			body = Say(body, "\n", s.Severity, " pages nobody by itself; ", Code(x.typed("escalate "+s.ID)), " does.")
		}
		return Reply{Body: body, Data: summary(s)}
	})
}

// pagedNow says whom a step paged, and what it could not.
func pagedNow(o outcome) Rich {
	var list []Rich
	for _, e := range o.events {
		switch e := e.(type) {
		case incident.Paged, incident.LastResortPaged:
			list = append(list, Say(Line(e), "."))
		case incident.LevelPassed:
			if e.Why != incident.WhyAnswered {
				list = append(list, Say(Line(e), "."))
			}
		}
	}
	return Join(list, "\n")
}

func summary(s incident.Incident) Summary {
	return Summary{
		ID: s.ID, Title: s.Title, Severity: s.Severity, Status: s.Status, Service: s.Service, DeclaredAt: s.DeclaredAt,
		ResolvedAt: s.ResolvedAt, Commander: s.Holder(incident.Commander), MergedInto: s.MergedInto, Drill: s.Drill.On, Circle: s.Circle,
	}
}

func (c *Commands) resolve(x *exec) Reply {
	keys := x.args.keyed([]string{}, []string{"cause", "fix", "postmortem", "post-mortem"})
	cause := x.args.text()
	if cause == "" {
		cause = keys["cause"]
	} else if keys["cause"] != "" {
		cause += " " + keys["cause"]
	}
	zone := c.zone(x.call.By)
	at := time.Time{}
	if !x.at.Drill.On {
		at = ProposePostmortem(x.call.Now, zone, c.zonesOf(x.at)...)
	}
	for _, k := range []string{"postmortem", "post-mortem"} {
		switch text := keys[k]; strings.ToLower(text) {
		case "":
		case "none", "no":
			at = time.Time{}
		default:
			t, err := meetingTime(text, x.call.Now, zone)
			switch {
			case err != nil:
				return refuse(CodeUsage, err.Error())
			case !t.After(x.call.Now):
				return refuse(CodeUsage, "The post-mortem must be later than now. For example: ", Code(`postmortem="tomorrow 10:00"`))
			}
			at = t
		}
	}
	if cause == "" && x.at.Open() {
		f := resolveForm(x.at, keys["fix"], at)
		return askForm(x, f, "Say what the cause was: ", Code("resolve "+x.at.ID+" bad deploy fix=rolled back"), ".")
	}
	return c.resolved(x, incident.Resolve{By: x.call.By, Cause: cause, Fix: keys["fix"], Postmortem: at})
}

func (c *Commands) resolved(x *exec, in incident.Resolve) Reply {
	return c.do(x, in, func(o outcome) Reply {
		s := o.after
		if _, ok := happened[incident.ResolvedEvent](o); !ok {
			return Reply{Body: Say(s.ID, " is resolved already, since ", s.ResolvedAt, ".")}
		}
		body := Say(Bold(s.ID+" is resolved"), " after ", s.Duration(x.call.Now), ".")
		if !in.Postmortem.IsZero() {
			body = Say(body, " The post-mortem is scheduled for ", in.Postmortem, ".")
		}
		return Reply{Body: Say(body, " If it comes back: ", Code("reopen "+s.ID+" reason"), ".")}
	})
}

func (c *Commands) reopen(x *exec) Reply {
	reason := x.args.text()
	if reason == "" && !x.at.Open() {
		return usage(x.spec, "Reopening needs a reason.")
	}
	return c.reopened(x, incident.Reopen{By: x.call.By, Reason: reason})
}

func (c *Commands) reopened(x *exec, in incident.Reopen) Reply {
	return c.do(x, in, func(o outcome) Reply {
		if _, ok := happened[incident.Reopened](o); !ok {
			return Reply{Body: Say(o.after.ID, " is open already.")}
		}
		body := Say(Bold(o.after.ID+" is open again"), ", status ", o.after.Status, ".")
		if pages := pagedNow(o); len(pages) > 0 {
			body = Say(body, "\n", pages)
		}
		return Reply{Body: body}
	})
}

func (c *Commands) merge(x *exec) Reply {
	into := x.ids[len(x.ids)-1]
	if len(x.ids) > 2 {
		return usage(x.spec, "Only two incidents can be merged at once.")
	}
	target, err := c.Reader.State(x.ctx, into)
	if err != nil {
		r := c.failed(err, x.at.ID)
		if r.Code == CodeUnknown {
			return refuse(CodeUnknown, "There is no ", Bold(into), ". ", Code("list all"), " shows the incidents there are.")
		}
		return r
	}
	if x.at.MergedInto != "" && strings.EqualFold(x.at.MergedInto, into) {
		return Reply{OK: true, Body: Say(x.at.ID, " is merged into ", into, " already.")}
	}
	if target.Circle.Private && !x.at.Circle.Private {
		return refuse("private", into, " is private: merging ", x.at.ID, " into it would name it where others read.")
	}
	if target.Drill.On != x.at.Drill.On && target.Exists() {
		drill, real := target.ID, x.at.ID
		if x.at.Drill.On {
			drill, real = real, drill
		}
		return refuse("drill", drill, " is a drill and ", real, " is real: they are not merged. End the drill with ", Code("resolve "+drill), ".")
	}
	if into != x.at.ID && !target.Open() {
		return refuse("not_open", into, " is not open, so nothing can be merged into it. ", Code("reopen "+into+" reason"), " opens it again.")
	}
	return c.do(x, incident.Merge{By: x.call.By, Into: into}, func(o outcome) Reply {
		return Reply{Body: Say(Bold(o.after.ID), " is merged into ", Bold(into), " ", target.Title, ". Go on there.")}
	})
}

func (c *Commands) critical(x *exec) Reply {
	return c.do(x, incident.MarkCritical{By: x.call.By}, func(o outcome) Reply {
		if _, ok := happened[incident.MarkedCritical](o); !ok {
			return Reply{Body: Say(o.after.ID, " is marked business-critical already.")}
		}
		return Reply{Body: Say(Bold(o.after.ID), " is business-critical now. Its levels: ", levelNames(o.after), ".")}
	})
}

func levelNames(s incident.Incident) string {
	var list []string
	for _, l := range s.Levels() {
		list = append(list, l.Name+" "+l.Role)
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func (c *Commands) severity(x *exec) Reply {
	t, ok := x.args.take(func(t token) bool { _, ok := severityWord(t); return ok })
	var to incident.Severity
	if ok {
		to, _ = severityWord(t)
	} else {
		var named bool
		if to, named = severityName(x.args.first().word()); !named {
			return usage(x.spec, "Which severity? ", x.at.ID, " is ", x.at.Severity, ".")
		}
		x.args.drop(0, 1)
	}
	if w := x.args.first().word(); w == "to" || w == "because" {
		x.args.drop(0, 1)
	}
	return c.severitySet(x, incident.SetSeverity{By: x.call.By, To: to, Reason: x.args.text()})
}

func (c *Commands) severitySet(x *exec, in incident.SetSeverity) Reply {
	return c.do(x, in, func(o outcome) Reply {
		s := o.after
		e, ok := happened[incident.SeverityChanged](o)
		if !ok {
			return Reply{Body: Say(s.ID, " is ", s.Severity, " already.")}
		}
		body := Say(Bold(s.ID+" is "+s.Severity.String()+" now"), ", it was ", e.From, ".")
		if pages := pagedNow(o); len(pages) > 0 {
			body = Say(body, "\n", pages)
		} else if len(s.Levels()) == 0 {
			body = Say(body, " The ladder has ended: ", s.Severity, " pages nobody by itself.")
		}
		return Reply{Body: body}
	})
}

func (c *Commands) status(x *exec) Reply {
	t, ok := x.args.take(isStatusToken)
	if !ok {
		return usage(x.spec, Code(shorten(x.args.text(), 40)), " is not a status.")
	}
	to, _ := statusWord(t)
	switch to {
	case incident.Resolved:
		return usage(find("resolve"), "Resolved comes from resolving.")
	case incident.Closed:
		return usage(find("postmortem"), "Closed comes when the post-mortem is done or waived.")
	}
	return c.do(x, incident.SetStatus{By: x.call.By, To: to}, func(o outcome) Reply {
		if _, ok := happened[incident.StatusChanged](o); !ok {
			return Reply{Body: Say(o.after.ID, " is ", o.after.Status, " already.")}
		}
		return Reply{Body: Say(Bold(o.after.ID), " is ", Bold(string(o.after.Status)), " now.")}
	})
}
