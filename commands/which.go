package commands

import (
	"fmt"
	"slices"
	"strings"

	"muster/incident"
)

// maxPick is how many incidents a picker offers.
const maxPick = 20

// locate finds the incident that a command is about: the one named; else the
// channel's or thread's; else the only one in question; else a picker.
func (c *Commands) locate(x *exec) *Reply {
	if x.spec.target == targetNone {
		return nil
	}
	if c.Reader == nil || c.Lister == nil {
		r := refuse(CodeMissing, Code(x.spec.name), " needs the running program: send it with ", Code("muster incident"), ".")
		return &r
	}
	if x.spec.name == "merge" && len(x.ids) == 0 {
		r := usage(x.spec, "Which incident is it the same as?")
		return &r
	}
	if several := x.several(); several != nil {
		return several
	}
	id := x.name()
	if id == "" {
		if at, ok := c.Reader.ByPlace(x.call.Channel, x.call.Thread); ok && (x.call.Channel != "" || x.call.Thread != "") {
			id = at
		}
	}
	if id == "" {
		id = x.late
	}
	if id == "" {
		var wrong *Reply
		if id, wrong = c.only(x); wrong != nil {
			if x.spec.target == targetMaybe && wrong.Code == CodeUnknown {
				return nil
			}
			return wrong
		}
	}
	s, err := c.Reader.State(x.ctx, id)
	if err != nil {
		r := c.failed(err, "")
		if r.Code == CodeUnknown {
			r = refuse(CodeUnknown, "There is no ", Bold(id), ". ", Code("list all"), " shows the incidents there are.")
		}
		return &r
	}
	x.at = s
	return nil
}

// several refuses a command that names more than one incident, and offers it
// for each of them; nil: it does not.
func (x *exec) several() *Reply {
	ids := slices.Compact(slices.Sorted(slices.Values(x.ids)))
	if x.spec.name == "merge" || x.spec.ids != idsAnywhere || len(ids) < 2 {
		return nil
	}
	r := refuse(CodeWhich, "One incident at a time, please; nothing was done. You named ", strings.Join(ids, " and "), ".")
	for _, id := range ids {
		again := x.spec.name + " " + id
		if words := x.args.text(); words != "" {
			again += " " + words
		}
		r.Pick = append(r.Pick, Choice{Value: again, Label: again})
	}
	return &r
}

// name is the incident that the text names; empty: none. The only ID of a
// merge names the other one.
func (x *exec) name() string {
	switch {
	case x.spec.name == "merge" && len(x.ids) == 1, len(x.ids) == 0:
		return ""
	default:
		return x.ids[0]
	}
}

// only finds the only incident in question, or asks.
func (c *Commands) only(x *exec) (string, *Reply) {
	var found []Choice
	add := func(id, title string, severity incident.Severity, status incident.Status) {
		if x.spec.name == "merge" && slices.Contains(x.ids, id) {
			return
		}
		found = append(found, Choice{Value: x.again(id), Label: fmt.Sprintf("%s %s %s (%s)", id, severity, shorten(title, 60), status)})
	}
	var ids []string
	if x.spec.target == targetEnded {
		all, err := c.Lister.List(x.ctx, true, 100)
		if err != nil {
			r := c.failed(err, "")
			return "", &r
		}
		for _, s := range all {
			if !s.ResolvedAt.IsZero() && s.Status == incident.Resolved {
				add(s.ID, s.Title, s.Severity, s.Status)
				ids = append(ids, s.ID)
			}
		}
	} else {
		for _, s := range c.Reader.Open() {
			before := len(found)
			add(s.ID, s.Title, s.Severity, s.Status)
			if len(found) > before {
				ids = append(ids, s.ID)
			}
		}
	}
	switch {
	case len(found) == 1:
		return ids[0], nil
	case len(found) == 0:
		if open := c.Reader.Open(); x.spec.name == "reopen" && len(open) == 1 {
			return open[0].ID, nil // says that it is open already
		}
		r := c.none(x)
		return "", &r
	}
	more := ""
	if len(found) > maxPick {
		more = fmt.Sprintf("\nand %d more: name one, for example %s", len(found)-maxPick, found[maxPick].Value)
		found = found[:maxPick]
	}
	body := Say("Which incident?")
	for _, f := range found {
		body = Say(body, "\n• ", f.Label)
	}
	r := refuse(CodeWhich, body, more, "\nName it in the command, for example ", Code(shorten(found[0].Value, 60)))
	r.Pick = found
	return "", &r
}

// none answers a command that finds no incident to be about.
func (c *Commands) none(x *exec) Reply {
	if x.spec.name == "merge" {
		return refuse(CodeUnknown, "No other incident is open that could be merged into ", x.ids[0], ". Name both: ", Code("merge INC-m "+x.ids[0]), ".")
	}
	switch x.spec.target {
	case targetEnded:
		return refuse(CodeUnknown, "No incident is resolved and waiting. Name one: ", Code(x.spec.name+" INC-1"), ".")
	case targetAny, targetMaybe:
		return refuse(CodeUnknown, "No incident is open. Name one, for example ", Code(x.spec.name+" INC-1"), "; ", Code("list all"), " shows them.")
	default:
		r := refuse(CodeUnknown, "No incident is open, so there is nothing for ", Code(x.spec.name), ".")
		if last, err := c.Lister.List(x.ctx, true, 1); err == nil && len(last) == 1 {
			r.Body = Say(r.Body, " The last one, ", Bold(last[0].ID), " ", shorten(last[0].Title, 60), ", is ", last[0].Status, ".")
		}
		return r
	}
}

// again is the same command with the incident named.
func (x *exec) again(id string) string {
	src := x.args.src
	if x.verbEnd == 0 {
		return strings.TrimSpace(x.spec.name + " " + id + " " + src)
	}
	return strings.TrimSpace(src[:x.verbEnd] + " " + id + src[x.verbEnd:])
}
