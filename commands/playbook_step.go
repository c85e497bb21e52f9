package commands

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"muster/incident"
)

// maxApprovers is how many people are asked for an approval at once.
const maxApprovers = 5

func (c *Commands) stepRun(x *exec) Reply {
	book, step, given, wrong := c.stepOf(x)
	if wrong != nil {
		return *wrong
	}
	values := maps.Clone(x.at.Shelf.Values)
	if values == nil {
		values = map[string]string{}
	}
	maps.Copy(values, given)
	return c.runStep(x, book, step, values)
}

// runStep asks for a step whose values are known; what is missing is asked in
// a form.
func (c *Commands) runStep(x *exec, book incident.Playbook, step incident.Step, values map[string]string) Reply {
	b, err := c.Runbooks.Bind(book.ID, step.ID, x.at, values)
	if err != nil {
		return c.failed(err, x.at.ID)
	}
	switch {
	case len(b.Missing) > 0 && x.call.Via == ViaSlack:
		return askForm(x, c.stepForm(x, book, step, values))
	case len(b.Missing) > 0:
		return missingValues(x, b)
	case len(b.Wrong) > 0:
		return wrongFields(b.Wrong, x.at.ID)
	case b.Needs != "":
		return refuse(CodeMissing, "This cannot run here yet: ", b.Needs, "\nIt would run:\n", Code(b.Command))
	}
	sure, err := c.Allowed(x.ctx, Operate, x.call.By, x.at, x.call.Now)
	if err != nil {
		c.fault(err)
	}
	in := incident.AskStep{
		By: x.call.By, Playbook: book.ID, Book: book.Title, Step: step.ID, Title: stepTitle(step), Class: b.Class, Command: b.Command, Block: b.Block,
		Sure: sure, Approval: b.Approval,
	}
	if b.Approval && b.Class == incident.Changing {
		in.Approvers = c.approvers(x)
	}
	return c.do(x, in, func(o outcome) Reply {
		e, ok := happened[incident.StepAsked](o)
		if !ok {
			return Reply{Body: Say("This was asked for already.")}
		}
		if e.Class == incident.Reading {
			return Reply{Body: Say("Run ", e.N, ": ", e.Title, ". What it says comes in the thread of ", Bold(o.after.ID), ", and by ", Code(fmt.Sprintf("playbook output %s %d", o.after.ID, e.N)), "."), Shown: true}
		}
		body := Say("Run ", e.N, ": ", e.Title, " changes something. What it would do is being looked at and comes in the thread of ", Bold(o.after.ID), "; nothing has run.")
		if !sure {
			body = Say(body, " Somebody with ", Bold(string(Operate)), " has to ask for it then. ", c.holders(Operate, x.at, x.call.Now))
		}
		return Reply{Body: body}
	})
}

func stepTitle(s incident.Step) string {
	if s.Title == "" {
		return fmt.Sprintf("step %d", s.N)
	}
	return s.Title
}

func missingValues(x *exec, b Bound) Reply {
	var names []string
	for _, p := range b.Missing {
		names = append(names, p.Name+"=…")
	}
	return usage(x.spec, "The step needs values: ", Code(strings.Join(names, " ")))
}

// approvers are the people who may approve now, but for the one who asks;
// those of a user group are not listed.
func (c *Commands) approvers(x *exec) []incident.Person {
	var out []incident.Person
	for _, subject := range c.subjects(Approve) {
		var p incident.Person
		kind, rest, _ := strings.Cut(subject, ":")
		switch {
		case kind == "rota":
			p = c.onCall(rest, x.call.Now)
		case kind == "role":
			p = x.at.Holder(incident.Role(rest))
		case !strings.HasPrefix(subject, "@") && strings.Contains(subject, "@"):
			p = incident.Person{Key: strings.ToLower(subject), Name: subject}
		}
		if !p.Nobody() && !p.Is(x.call.By) && !slices.ContainsFunc(out, p.Is) && len(out) < maxApprovers {
			out = append(out, p)
		}
	}
	return out
}

func (c *Commands) stepConfirm(x *exec) Reply {
	n, digest, wrong := runOf(x)
	if wrong != nil {
		return *wrong
	}
	if wrong := c.needs(x, "confirm", Operate); wrong != nil {
		return *wrong
	}
	in := incident.ConfirmStep{By: x.call.By, N: n, Digest: digest}
	if r, ok := x.at.Shelf.Run(n); ok && r.Approval {
		in.Approvers = c.approvers(x)
	}
	return c.do(x, in, func(o outcome) Reply {
		if _, ok := happened[incident.StepConfirmed](o); !ok {
			return Reply{Body: Say("That was asked for already."), Shown: true}
		}
		if r, _ := o.after.Shelf.Run(n); r.Phase == incident.Waiting {
			return Reply{Body: Say("Run ", n, " waits for somebody's approval."), Shown: true}
		}
		return Reply{Body: Say("Run ", n, " runs; the thread has it."), Shown: true}
	})
}

func (c *Commands) stepApprove(x *exec) Reply {
	n, digest, wrong := runOf(x)
	if wrong != nil {
		return *wrong
	}
	if wrong := c.needs(x, "approve", Approve); wrong != nil {
		return *wrong
	}
	return c.do(x, incident.ApproveStep{By: x.call.By, N: n, Digest: digest}, func(o outcome) Reply {
		if _, ok := happened[incident.StepApproved](o); !ok {
			return Reply{Body: Say("You approved run ", n, " already."), Shown: true}
		}
		return Reply{Body: Say("You approved run ", n, "; it runs now, once."), Shown: true}
	})
}

func (c *Commands) stepRefuse(x *exec) Reply {
	n, reason, wrong := runOf(x)
	if wrong != nil {
		return *wrong
	}
	if wrong := c.needs(x, "refuse", Approve); wrong != nil {
		return *wrong
	}
	return c.do(x, incident.RefuseStep{By: x.call.By, N: n, Reason: reason}, func(o outcome) Reply {
		return Reply{Body: Say("Run ", n, " is refused. It did not run."), Shown: true}
	})
}

// stepCancel takes back what one asked for oneself; for others it needs what
// running it needs.
func (c *Commands) stepCancel(x *exec) Reply {
	n, _, wrong := runOf(x)
	if wrong != nil {
		return *wrong
	}
	if r, ok := x.at.Shelf.Run(n); ok && !r.By.Is(x.call.By) && r.Class != incident.Reading {
		if wrong := c.needs(x, "cancel", Operate); wrong != nil {
			return *wrong
		}
	}
	return c.do(x, incident.CancelStep{By: x.call.By, N: n}, func(o outcome) Reply {
		r, _ := o.after.Shelf.Run(n)
		if _, ok := happened[incident.StepStopped](o); ok || r.Phase == incident.Running {
			return Reply{Body: Say("Run ", n, " is being stopped; the thread says how far it came."), Shown: true}
		}
		return Reply{Body: Say("Run ", n, " is cancelled. It did not run."), Shown: true}
	})
}

func (c *Commands) stepUndo(x *exec) Reply {
	n, _, wrong := runOf(x)
	if wrong != nil {
		return *wrong
	}
	r, _ := x.at.Shelf.Run(n)
	sure, err := c.Allowed(x.ctx, Operate, x.call.By, x.at, x.call.Now)
	if err != nil {
		c.fault(err)
	}
	in := incident.AskUndo{By: x.call.By, N: n, Sure: sure, Approval: r.Approval || c.Runbooks.Approval(r.Playbook, r.Step, x.at)}
	if in.Approval {
		in.Approvers = c.approvers(x)
	}
	return c.do(x, in, func(o outcome) Reply {
		e, _ := happened[incident.StepAsked](o)
		return Reply{Body: Say("Run ", e.N, ": undo of run ", n, ". What it would put back is being looked at and comes in the thread; nothing has run.")}
	})
}

// runs lists what was asked for, newest first.
func (c *Commands) runs(x *exec) Reply {
	runs := x.at.Shelf.Runs
	if len(runs) == 0 {
		return answer("No step of a playbook was run in ", x.at.ID, ".")
	}
	var lines []Rich
	for _, r := range slices.Backward(runs) {
		if len(lines) == maxList {
			break
		}
		lines = append(lines, runLine(r))
	}
	out := answer(Join(lines, "\n"))
	out.Data = runs
	return out
}

func failedCheck(o incident.Outcome) string {
	if o.Check != "" && o.Check != "ok" {
		return ", but the check after it failed"
	}
	return ""
}

// mostShown is how many runs show lists.
const mostShown = 10

// ran lists the newest runs of playbooks' steps, oldest of them first.
func ran(s incident.Incident) []Rich {
	runs := s.Shelf.Runs
	if len(runs) == 0 {
		return nil
	}
	lines := []Rich{Say("Steps of playbooks:")}
	if n := len(runs) - mostShown; n > 0 {
		lines = append(lines, Say("• ", n, " earlier ones: ", Code("playbook runs "+s.ID)))
		runs = runs[n:]
	}
	for _, r := range runs {
		lines = append(lines, Say("• ", runLine(r)))
	}
	return lines
}

// runLine says where a run stands.
func runLine(r incident.StepRun) Rich {
	line := Say(Bold(fmt.Sprintf("%d", r.N)), " ", r.Title, " · ", r.By, " · ")
	switch r.Phase {
	case incident.Waiting:
		what := "waits for operate"
		if r.Approval && r.Sure {
			what = "waits for approval"
		}
		line = Say(line, what, ", until ", r.Until)
	case incident.Ended:
		line = Say(line, string(r.Outcome.End), failedCheck(r.Outcome), maybe(": ", r.Outcome.Why))
		if r.Approval && !r.Decided.Nobody() {
			line = Say(line, ", approved by ", r.Decided)
		}
		if r.UndoneBy != 0 {
			line = Say(line, " · undone by run ", r.UndoneBy)
		} else if r.CanUndo() {
			line = Say(line, " · ", Code(fmt.Sprintf("playbook undo %d", r.N)))
		}
	case incident.Refused, incident.Withdrawn:
		line = Say(line, string(r.Phase), " by ", r.Decided, maybe(": ", r.Reason))
	case incident.Lapsed:
		line = Say(line, "expired; it did not run")
	default:
		line = Say(line, string(r.Phase))
	}
	return Say(line, " · ", Code(shorten(strings.Join(strings.Fields(r.Command), " "), 160)))
}

// output gives what a run said.
func (c *Commands) output(x *exec) Reply {
	n, _, wrong := runOf(x)
	if wrong != nil {
		return *wrong
	}
	r, ok := x.at.Shelf.Run(n)
	if !ok {
		return refuse(CodeUnknown, x.at.ID, " has no run ", n, ". ", Code("playbook runs "+x.at.ID), " lists them.")
	}
	body := runLine(r)
	switch {
	case r.Phase == incident.Waiting:
		body = Say(body, "\n", strings.Join(r.Preview.Commands, "\n"), maybe("\n", r.Preview.Diff), maybe("\n", strings.Join(append(slices.Clone(r.Preview.Disruption), r.Preview.Remarks...), "\n")))
	case r.Outcome.Output != "":
		body = Say(body, "\n", r.Outcome.Output)
		if r.Outcome.Cut {
			body = Say(body, fmt.Sprintf("\n(the beginning of %d bytes; the whole is in the evidence as %s)", r.Outcome.Size, r.Outcome.Ref))
		}
	}
	out := answer(body)
	out.Data = r
	return out
}

// PendingApprovals lists the runs of open incidents that wait for an approval
// that this person could give, newest incident first.
func PendingApprovals(open []incident.Incident, by incident.Person) []incident.StepRun {
	var out []incident.StepRun
	for _, s := range open {
		for _, r := range s.Shelf.Runs {
			if r.Phase == incident.Waiting && r.Approval && r.Sure && !r.By.Is(by) {
				out = append(out, r)
			}
		}
	}
	return out
}
