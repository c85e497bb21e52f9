package commands

import (
	"fmt"
	"strconv"
	"strings"

	"muster/incident"
)

func drillSpec() spec {
	return spec{
		name: "drill", aliases: []string{"exercise"}, needs: Declare, target: targetNone,
		about: "practise with an incident that is marked as a drill",
		usage: []string{"drill [severity] title [--speed n] [--real-pages]"},
		more: "It runs like a real incident with the people on call, but only over Slack unless --real-pages is given, which needs admin. --speed runs its clocks up to 60 " +
			"times as fast. Resolving it gives a score. Drills are in no statistics.",
		examples: []string{`drill P0 "database gone" --speed 10`},
		run:      (*Commands).drill,
	}
}

// drill declares an incident that is an exercise.
func (c *Commands) drill(x *exec) Reply {
	drill, wrong := drillFlags(x)
	if wrong != nil {
		return *wrong
	}
	d := declared(&x.args)
	if d.title == "" {
		return usage(x.spec, "A drill needs a title.")
	}
	if drill.Real {
		if r := c.permit(x.ctx, &spec{name: "drill --real-pages", needs: Admin}, x.call.By, x.at, x.call.Now); r != nil {
			return *r
		}
	}
	if c.Drills != nil {
		last, err := c.Drills.LastDrill(x.ctx)
		if err != nil {
			return c.failed(err, "")
		}
		drill.Last = last
	}
	c.choose(&d)
	in := incident.Declare{
		Title: incident.DrillMark + d.title, Severity: d.severity, Chosen: d.chosen, Service: d.service, Impact: d.impact,
		By: x.call.By, Critical: d.critical, Origin: x.call.Channel, Drill: drill, Private: d.private,
	}
	if c.Plan != nil {
		in.Plan = c.Plan(d.severity).Exercise(drill)
	}
	return c.step(x.ctx, Request{New: true, Intent: in, Key: x.call.Key}, func(o outcome) Reply {
		body := Say(Bold(o.after.ID+" "+o.after.Severity.String()), " ", o.after.Title, "\nThis is a drill")
		if drill.Speed > 1 {
			body = Say(body, fmt.Sprintf(", its clocks run %d times as fast", drill.Speed))
		}
		if drill.Real {
			body = Say(body, "; it pages by all methods.")
		} else {
			body = Say(body, "; it pages over Slack only.")
		}
		if pages := pagedNow(o); len(pages) > 0 {
			body = Say(body, "\n", pages)
		}
		return Reply{Body: body, Data: summary(o.after)}
	})
}

// drillFlags takes --speed and --real-pages out of the text.
func drillFlags(x *exec) (incident.Drill, *Reply) {
	d := incident.Drill{On: true, Speed: 1}
	flag := func(t token, name string) bool {
		return !t.quoted && strings.TrimLeft(strings.ToLower(t.text), "-—–") == name && t.text != name
	}
	if _, ok := x.args.take(func(t token) bool { return flag(t, "real-pages") }); ok {
		d.Real = true
	}
	for i, t := range x.args.toks {
		name, value, joined := strings.Cut(t.text, "=")
		t.text = name
		if !flag(t, "speed") {
			continue
		}
		n := 1
		if !joined {
			if i+1 >= len(x.args.toks) {
				break
			}
			value, n = x.args.toks[i+1].text, 2
		}
		speed, err := strconv.Atoi(strings.TrimSuffix(strings.ToLower(value), "x"))
		if err != nil || speed < 1 || speed > incident.MaxDrillSpeed {
			r := usage(x.spec, fmt.Sprintf("The speed is a whole number from 1 to %d.", incident.MaxDrillSpeed))
			return d, &r
		}
		d.Speed = speed
		for range n {
			x.args.drop(i, 1)
		}
		break
	}
	return d, nil
}

// DrillScore says how a drill went, each figure against the one before.
func DrillScore(now, last incident.Score) Rich {
	out := Say(Bold(fmt.Sprintf("Drill: %d of 100 points", now.Points)))
	if last.ID != "" {
		out = Say(out, fmt.Sprintf(" (%s had %d)", last.ID, last.Points))
	}
	for _, figure := range []func(incident.Score) Rich{drillAcknowledged, drillUpdates, drillEscalations, drillSteps, drillCause} {
		out = Say(out, "\n• ", figure(now))
		if last.ID != "" {
			out = Say(out, fmt.Sprintf(" (%s: ", last.ID), figure(last), ")")
		}
	}
	return out
}

func drillAcknowledged(s incident.Score) Rich {
	switch {
	case s.Acknowledged == 0 && s.InTime:
		return Say("nobody was asked to acknowledge")
	case s.Acknowledged == 0:
		return Say("never acknowledged")
	case s.InTime:
		return Say("acknowledged after ", s.Acknowledged, ", in time")
	}
	return Say("acknowledged after ", s.Acknowledged, ", too late")
}

func drillUpdates(s incident.Score) Rich {
	if s.Kept+s.Missed == 0 {
		return Say("no update was due")
	}
	return Say(fmt.Sprintf("%d of %d updates on time", s.Kept, s.Kept+s.Missed))
}

func drillEscalations(s incident.Score) Rich {
	if s.Escalations() == 0 {
		return Say("no escalation")
	}
	return Say(count(s.Escalations(), "escalation"))
}

func drillSteps(s incident.Score) Rich {
	if s.Steps == 0 {
		return Say("no step of a playbook ran")
	}
	return Say(count(s.Steps, "step"), " of playbooks ran")
}

func drillCause(s incident.Score) Rich {
	if s.Cause {
		return Say("the root cause was written down")
	}
	return Say("no root cause was written down")
}
