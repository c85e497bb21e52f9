package commands

import (
	"slices"
	"strconv"
	"strings"

	"muster/incident"
)

// sectionNames are the sections' names for reading.
var sectionNames = map[incident.Section]string{
	incident.SectionSummary: "Summary", incident.SectionImpact: "Impact", incident.SectionCause: "Root cause", incident.SectionFix: "Fix",
	incident.SectionWell: "What went well", incident.SectionBadly: "What did not go well", incident.SectionPrevention: "Prevention",
}

// SectionName is a section's name for reading.
func SectionName(s incident.Section) string { return sectionNames[s] }

// sectionWords are what people type for a section.
var sectionWords = map[string]incident.Section{
	"summary": incident.SectionSummary, "impact": incident.SectionImpact, "cause": incident.SectionCause, "root-cause": incident.SectionCause,
	"fix": incident.SectionFix, "well": incident.SectionWell, "badly": incident.SectionBadly, "not-well": incident.SectionBadly,
	"prevention": incident.SectionPrevention, "prevent": incident.SectionPrevention,
}

// postmortemWords are what may stand before the incident's name.
var postmortemWords = []string{
	"write", "edit", "summary", "impact", "cause", "fix", "well", "badly", "prevention", "assign", "owner", "when", "move", "hide", "unhide",
	"annotate", "done", "complete", "finish", "finished", "waive", "waived", "skip",
}

func postmortemSpec() spec {
	return spec{
		name: "postmortem", aliases: []string{"post-mortem", "post mortem", "pm", "retro"}, needs: Respond, target: targetEnded, ids: idsAfterArgs,
		words: postmortemWords,
		about: "the post-mortem: read, write, plan, assign, finish or waive it",
		usage: []string{
			"postmortem", "postmortem write summary|impact|cause|fix|well|badly|prevention text", "postmortem assign @x", "postmortem when time",
			"postmortem hide n", "postmortem unhide n", "postmortem annotate n text", "postmortem done", "postmortem waive reason",
		},
		more: "In Slack the word alone opens a form with all sections. The numbers are those of the timeline; a record that is hidden stays in the history. " +
			"Done closes the incident.",
		examples: []string{"postmortem waive INC-3 false alarm", "postmortem when Tue 10:00", "postmortem write well the rollback took a minute"},
		run:      (*Commands).postmortem,
	}
}

// postmortem reads, writes, plans, assigns, finishes or waives one.
func (c *Commands) postmortem(x *exec) Reply {
	t := x.args.first()
	x.args.toks = x.args.toks[min(1, len(x.args.toks)):]
	switch t.word() {
	case "":
		return c.postmortemOpen(x)
	case "write", "edit":
		return c.postmortemWrite(x)
	case "assign", "owner", "to":
		p, wrong := c.person(x, x.args.text())
		if wrong != nil {
			return *wrong
		}
		return c.do(x, incident.AssignPostmortem{By: x.call.By, To: p}, func(o outcome) Reply {
			return Reply{Body: Say("The post-mortem of ", Bold(o.after.ID), " is written by ", o.after.Writer(), ".")}
		})
	case "when", "at", "move":
		if x.args.text() == "" {
			return refuse(CodeUsage, "Say when the meeting is. For example: ", Code("postmortem when tomorrow 10:00"))
		}
		at, err := meetingTime(x.args.text(), x.call.Now, c.zone(x.call.By))
		if err != nil {
			return refuse(CodeUsage, err.Error())
		}
		return c.do(x, incident.PlanPostmortem{By: x.call.By, At: at}, func(o outcome) Reply {
			return Reply{Body: Say("The post-mortem of ", Bold(o.after.ID), " is at ", o.after.After.Meeting, ".")}
		})
	case "hide", "unhide", "annotate":
		return c.postmortemMark(x, t.word())
	case "done", "complete", "finish", "finished":
		return c.postmortemDone(x)
	case "waive", "waived", "skip":
		return c.postmortemWaive(x, t.word())
	default:
		return usage(x.spec, "The post-mortem does not know ", Code(shorten(t.word(), 40)), ".")
	}
}

// postmortemOpen opens the form over Slack, and answers with what is written
// elsewhere.
func (c *Commands) postmortemOpen(x *exec) Reply {
	if x.call.Via == ViaSlack {
		return askForm(x, postmortemForm(x.at))
	}
	s := x.at
	lines := []Rich{Say(Bold("Post-mortem of "+s.ID), " ", s.Title, " · written by ", s.Writer())}
	switch {
	case !s.ClosedAt.IsZero():
		lines[0] = Say(lines[0], " · closed ", s.ClosedAt)
	case !s.After.Meeting.IsZero():
		lines[0] = Say(lines[0], " · meeting ", s.After.Meeting)
	}
	for _, section := range incident.Sections {
		text := s.Text(section)
		if text == "" {
			text = "(nothing yet)"
		}
		lines = append(lines, Say(Bold(SectionName(section)), ": ", text))
	}
	r := answer(Join(append(lines, followUps(s)...), "\n"))
	r.Data = s.After
	return r
}

func postmortemForm(s incident.Incident) Form {
	f := Form{Name: "postmortem", Incident: s.ID, Title: "Post-mortem " + s.ID, Submit: "Save"}
	for _, section := range incident.Sections {
		f.Fields = append(f.Fields, Field{
			Name: string(section), Label: SectionName(section), Kind: KindText, Value: clip(s.Text(section), MaxText), Optional: true,
		})
	}
	return f
}

func (c *Commands) postmortemWrite(x *exec) Reply {
	section, ok := sectionWords[x.args.first().word()]
	if !ok {
		return usage(x.spec, "Say which section: summary, impact, cause, fix, well, badly or prevention.")
	}
	x.args.drop(0, 1)
	return c.postmortemSaved(x, map[incident.Section]string{section: x.args.text()})
}

func (c *Commands) postmortemSaved(x *exec, texts map[incident.Section]string) Reply {
	return c.do(x, incident.WritePostmortem{By: x.call.By, Texts: texts}, func(o outcome) Reply {
		var names []string
		for _, e := range o.events {
			if w, ok := e.(incident.PostmortemWritten); ok {
				names = append(names, SectionName(w.Section))
			}
		}
		if len(names) == 0 {
			return Reply{Body: Say("The post-mortem of ", o.after.ID, " says that already.")}
		}
		return Reply{Body: Say("Written into the post-mortem of ", Bold(o.after.ID), ": ", strings.Join(names, ", "), ".")}
	})
}

func (c *Commands) postmortemMark(x *exec, how string) Reply {
	n, err := strconv.ParseUint(strings.TrimLeft(x.args.first().word(), "#"), 10, 64)
	if err != nil {
		return usage(x.spec, "Say which record by its number in the timeline.")
	}
	x.args.drop(0, 1)
	in := incident.MarkRecord{By: x.call.By, Record: n, Hidden: how == "hide", Text: x.args.text()}
	if i := slices.IndexFunc(x.at.After.Marks, func(m incident.Mark) bool { return m.Record == n }); i >= 0 {
		was := x.at.After.Marks[i]
		if how == "annotate" {
			in.Hidden = was.Hidden
		} else if in.Text == "" {
			in.Text = was.Text
		}
	}
	return c.do(x, in, func(o outcome) Reply {
		return Reply{Body: Say("Record ", strconv.FormatUint(n, 10), " of ", Bold(o.after.ID), " is marked; the history keeps it as it is.")}
	})
}

func (c *Commands) postmortemDone(x *exec) Reply {
	s := x.at
	if s.ClosedAt.IsZero() {
		var missing []string
		for _, section := range []incident.Section{incident.SectionSummary, incident.SectionCause, incident.SectionPrevention} {
			if s.Text(section) == "" {
				missing = append(missing, SectionName(section))
			}
		}
		if len(missing) > 0 {
			return refuse("incomplete", "The post-mortem of ", s.ID, " lacks: ", strings.Join(missing, ", "), ". Write it with ",
				Code("postmortem write "+s.ID+" summary …"), ", or waive it with a reason.")
		}
	}
	return c.do(x, incident.Close{By: x.call.By}, func(o outcome) Reply {
		if _, ok := happened[incident.ClosedEvent](o); !ok {
			return Reply{Body: Say(o.after.ID, " is closed already.")}
		}
		return Reply{Body: Say("The post-mortem is done: ", Bold(o.after.ID), " is closed.")}
	})
}

func (c *Commands) postmortemWaive(x *exec, word string) Reply {
	reason := x.args.text()
	if reason == "" {
		return usage(x.spec, "To ", word, " the post-mortem needs a reason.")
	}
	return c.do(x, incident.Close{By: x.call.By, Reason: reason}, func(o outcome) Reply {
		if _, ok := happened[incident.ClosedEvent](o); !ok {
			return Reply{Body: Say(o.after.ID, " is closed already.")}
		}
		return Reply{Body: Say(Bold(o.after.ID), " is closed without a post-mortem.")}
	})
}

// actionDone closes follow-up work by its number.
func (c *Commands) actionDone(x *exec) Reply {
	n, err := strconv.Atoi(strings.TrimLeft(x.args.first().word(), "#"))
	if err != nil {
		return usage(x.spec, "Say which follow-up by its number.")
	}
	return c.do(x, incident.FinishAction{By: x.call.By, N: n}, func(o outcome) Reply {
		if _, ok := happened[incident.ActionDone](o); !ok {
			return Reply{Body: doneAlready(o.after, n)}
		}
		return Reply{Body: Say("Follow-up ", n, " of ", Bold(o.after.ID), " is done.")}
	})
}

// doneAlready says who closed follow-up work, and when.
func doneAlready(s incident.Incident, n int) Rich {
	for _, a := range s.Actions {
		if a.N == n && !a.DoneBy.Nobody() {
			return Say("Follow-up ", n, " of ", s.ID, " is done already: ", a.DoneBy, " closed it, ", a.DoneAt, ".")
		}
	}
	return Say("Follow-up ", n, " of ", s.ID, " is done already.")
}

// afterLine is Line for what follows an incident.
func afterLine(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.PostmortemWritten:
		return Say(e.By, " wrote the post-mortem's part: ", SectionName(e.Section))
	case incident.PostmortemAssigned:
		return Say(e.By, " gave the post-mortem to ", e.To)
	case incident.PostmortemPlanned:
		return Say(e.By, " planned the post-mortem for ", e.At)
	case incident.RecordMarked:
		word := " annotated record "
		if e.Hidden {
			word = " hid record "
		}
		return Say(e.By, word, strconv.FormatUint(e.Record, 10), " in the post-mortem", maybe(": ", e.Text))
	case incident.ActionDone:
		return Say(e.By, " finished follow-up ", e.N)
	case incident.PastFound:
		return pastLine(e)
	case incident.ImpactCounted:
		return Say("Users noticed: ", Noticed(e))
	case incident.MeetingNear:
		return Say("The post-mortem is at ", e.At, late(e.Late))
	case incident.PostmortemOverdue:
		return Say("The post-mortem is overdue: resolved ", e.Since, late(e.Late))
	case incident.ActionNear:
		if e.Over {
			return Say("Follow-up ", e.N, " is past its date", late(e.Late))
		}
		return Say("Follow-up ", e.N, " is due tomorrow", late(e.Late))
	default:
		return nil
	}
}
