package commands

import (
	"slices"
	"strings"

	"muster/incident"
)

func (c *Commands) update(x *exec) Reply {
	in := incident.PostUpdate{By: x.call.By}
	keys := x.args.keyed(nil, []string{"next", "eta", "impact"})
	in.Next, in.ETA, in.Impact = keys["next"], keys["eta"], keys["impact"]
	if t, ok := x.args.lead(isStatusToken); ok {
		in.Status, _ = statusWord(t)
		for !x.args.empty() && slices.Contains([]string{"-", "–", "—", ":"}, x.args.first().text) {
			x.args.drop(0, 1)
		}
	}
	if in.Status == incident.Resolved || in.Status == incident.Closed {
		return usage(find("resolve"), in.Status, " is not set by an update.")
	}
	in.Text = x.args.text()
	if in.Text == "" && in.Next == "" && in.ETA == "" && in.Impact == "" && x.at.Open() {
		history, err := c.Reader.History(x.ctx, x.at.ID)
		if err != nil {
			return c.failed(err, x.at.ID)
		}
		d := Draft(history)
		if in.Status != "" {
			d.Status = in.Status
		}
		f := updateForm(x.at, d)
		return askForm(x, f, "Say where things stand: ", Code("update "+x.at.ID+" rolled back, errors fall"), ".")
	}
	if in.Text == "" && in.Next == "" && in.Status == "" {
		in.Text = strings.Join(slices.DeleteFunc([]string{maybe("Impact: ", in.Impact), maybe("ETA: ", in.ETA)}, func(s string) bool { return s == "" }), ". ")
	}
	return c.updated(x, in)
}

func (c *Commands) updated(x *exec, in incident.PostUpdate) Reply {
	return c.do(x, in, func(o outcome) Reply {
		body := Say("Update posted to ", Bold(o.after.ID), ", status ", o.after.Status, ".")
		if due := c.nextUpdate(o.after, x.call.Now); !due.IsZero() {
			body = Say(body, " The next one is due ", due, ".")
		}
		return Reply{Body: body}
	})
}

func (c *Commands) nochange(x *exec) Reply {
	return c.updated(x, incident.PostUpdate{By: x.call.By, NoChange: true})
}

func (c *Commands) snooze(x *exec) Reply {
	return c.do(x, incident.Snooze{By: x.call.By}, func(o outcome) Reply {
		if e, ok := happened[incident.Snoozed](o); ok {
			return Reply{Body: Say("The next reminder of ", Bold(o.after.ID), " comes ", e.Until, ".")}
		}
		return Reply{Body: Say(o.after.ID, " is snoozed already, until ", o.after.Clock.Snoozed, ".")}
	})
}

func (c *Commands) note(x *exec) Reply {
	if x.at.Circle.Private && x.call.Link == "" && onlyPeople(&x.args) { // "add @bob"
		return c.invite(x)
	}
	text := x.args.text()
	switch {
	case x.call.Link != "":
		text = clip(text, MaxText)
	case text == "":
		return usage(x.spec, "The note has no text.")
	}
	return c.noted(x, incident.Note{By: x.call.By, Text: text, Link: x.call.Link, Source: x.call.Source})
}

func (c *Commands) noted(x *exec, in incident.Note) Reply {
	return c.do(x, in, func(o outcome) Reply {
		if _, ok := happened[incident.Noted](o); !ok {
			return Reply{Body: Say("That is in the timeline of ", o.after.ID, " already.")}
		}
		return Reply{Body: Say("Noted in the timeline of ", Bold(o.after.ID), ".")}
	})
}

func (c *Commands) action(x *exec) Reply {
	if t := x.args.first().word(); (t == "done" || t == "finish") && len(x.args.toks) == 2 {
		x.args.drop(0, 1)
		return c.actionDone(x)
	}
	in := incident.AddAction{By: x.call.By}
	if t, ok := x.args.take(isPerson); ok {
		p, wrong := c.person(x, t.text)
		if wrong != nil {
			return *wrong
		}
		in.Owner = p
	}
	due, err := c.due(x)
	if err != nil {
		return usage(x.spec, err.Error())
	}
	in.Due = due
	in.Text = strings.TrimRight(x.args.text(), " ,;-–")
	if in.Text == "" {
		return usage(x.spec, "The follow-up action has no text.")
	}
	return c.acted(x, in)
}

func (c *Commands) acted(x *exec, in incident.AddAction) Reply {
	return c.do(x, in, func(o outcome) Reply {
		e, _ := happened[incident.ActionAdded](o)
		body := Say("Follow-up ", e.N, " of ", Bold(o.after.ID), " is recorded")
		if !e.Owner.Nobody() {
			body = Say(body, " for ", e.Owner)
		}
		if e.Due != "" {
			body = Say(body, ", due ", e.Due)
		}
		return Reply{Body: Say(body, ".")}
	})
}

// due takes the day from the end of an action's text, as YYYY-MM-DD; empty:
// there is none. What is clearly meant as a day and is none is an error, which
// is one sentence.
func (c *Commands) due(x *exec) (string, error) {
	toks := x.args.toks
	for n := min(3, len(toks)); n > 0; n-- {
		tail := toks[len(toks)-n:]
		var words []string
		for _, t := range tail {
			words = append(words, strings.TrimRight(t.text, ".,;!"))
		}
		for len(words) > 1 && slices.Contains([]string{"by", "due", "until", "on"}, strings.ToLower(words[0])) {
			words = words[1:]
		}
		day, err := ParseDay(strings.Join(words, " "), x.call.Now, c.zone(x.call.By))
		if err != nil {
			continue
		}
		x.args.drop(len(toks)-n, n)
		return day, nil
	}
	for i, t := range toks {
		last := i+1 == len(toks)
		meant := t.word() == "due" && !last && len(toks)-i <= 4
		if text, key := strings.CutPrefix(strings.ToLower(t.text), "due="); key && !t.quoted {
			day, err := ParseDay(strings.Trim(text, `"'`), x.call.Now, c.zone(x.call.By))
			if err == nil {
				x.args.drop(i, 1)
			}
			return day, err
		}
		if meant {
			_, err := ParseDay(between(x.args.src, toks[i+1:]), x.call.Now, c.zone(x.call.By))
			return "", err
		}
		if last && dateShape.MatchString(strings.TrimRight(t.text, ".,;!")) {
			_, err := ParseDay(strings.TrimRight(t.text, ".,;!"), x.call.Now, c.zone(x.call.By))
			return "", err
		}
	}
	return "", nil
}
