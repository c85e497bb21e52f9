package incident_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"muster/incident"
)

func init() {
	everyEvent = append(everyEvent,
		incident.PlaybookSuggested{}, incident.PlaybookOpened{}, incident.PlaybookPosted{}, incident.ItemTicked{}, incident.StepAsked{},
		incident.StepPreviewed{}, incident.StepConfirmed{}, incident.StepApproved{}, incident.StepRefused{}, incident.StepWithdrawn{},
		incident.StepLapsed{}, incident.StepChanged{}, incident.StepStarted{}, incident.StepStopped{}, incident.StepEnded{}, incident.StepPosted{})
	everyIntent = append(everyIntent,
		incident.OpenPlaybook{}, incident.TickItems{}, incident.AskStep{}, incident.AskUndo{}, incident.ConfirmStep{}, incident.ApproveStep{},
		incident.RefuseStep{}, incident.CancelStep{}, incident.PreviewStep{}, incident.StartStep{}, incident.StaleStep{}, incident.EndStep{})
	everyEffect = append(everyEffect,
		incident.Perform{}, incident.Interrupt{}, incident.ShowSection{}, incident.RefreshSection{}, incident.ShowStep{}, incident.RefreshStep{},
		incident.ShowOutput{})
}

// drawStep says something about the steps of a playbook.
func (l *law) drawStep() {
	by, n := l.who(), rapid.IntRange(1, 4).Draw(l.T, "run")
	object := incident.Object{Kind: "Deployment", Name: "api", Version: pick(l.T, "version", "v1", "v2")}
	digest := ""
	if r, ok := l.sim.s.Shelf.Run(n); ok && rapid.Bool().Draw(l.T, "knows the digest") {
		digest = r.Digest
	}
	l.say(pick[incident.Intent](l.T, "step",
		incident.AskStep{
			By: by, Playbook: "p", Step: pick(l.T, "of", "a", "b"), Title: "t", Class: pick(l.T, "class", incident.Reading, incident.Changing),
			Sure: rapid.Bool().Draw(l.T, "sure"), Approval: rapid.Bool().Draw(l.T, "approval"),
		},
		incident.PreviewStep{N: n, Preview: incident.Preview{Objects: []incident.Object{object}}},
		incident.ConfirmStep{By: by, N: n, Digest: digest}, incident.ApproveStep{By: by, N: n, Digest: digest}, incident.RefuseStep{By: by, N: n},
		incident.CancelStep{By: by, N: n}, incident.StartStep{N: n}, incident.StartStep{N: n}, incident.StaleStep{N: n, Reason: "changed"},
		incident.EndStep{N: n, Outcome: incident.Outcome{End: incident.EndDone, Journal: "j"}}, incident.AskUndo{By: by, N: n, Sure: true, Approval: true},
	))
}

// stepEvent checks what holds for every step: nothing begins twice, unseen,
// unasked, by one person's word alone, or late.
func (l *law) stepEvent(s incident.Incident, r incident.Record) {
	switch e := r.Event.(type) {
	case incident.StepStarted:
		run, ok := s.Shelf.Run(e.N)
		switch {
		case !ok || run.Phase != incident.Ready:
			l.Fatalf("run %d begins while it is %q", e.N, run.Phase)
		case !r.At.Before(run.Until):
			l.Fatalf("run %d begins at %s, and held until %s", e.N, offset(r.At), offset(run.Until))
		case run.Class == incident.Reading:
		case run.Digest == "" || !run.Sure:
			l.Fatalf("run %d changes something that nobody saw or asked for", e.N)
		case run.Approval && (run.Decided.Nobody() || run.Decided.Is(run.By)):
			l.Fatalf("run %d is approved by %q, and %q asked", e.N, run.Decided.Key, run.By.Key)
		}
	case incident.StepApproved:
		run, _ := s.Shelf.Run(e.N)
		if run.Digest != e.Digest || run.Phase != incident.Waiting {
			l.Fatalf("run %d is approved as %q, and was shown as %q", e.N, e.Digest, run.Digest)
		}
	case incident.StepLapsed:
		run, _ := s.Shelf.Run(e.N)
		if r.At.Before(run.Until) {
			l.Fatalf("run %d lapses at %s, too early", e.N, offset(r.At))
		}
	}
}

// step plays the lines of a transcript that are about a playbook's steps:
//
//	ask ann reading|changing [sure] [approval] [value]
//	preview 1 v2 · confirm ann 1 · approve bob 1 [digest] · refuse bob 1 reason
//	cancel ann 1 · start 1 · stale 1 reason · end 1 done [journal] · undo ann 1
func (p *script) step(w []string) ([]fact, bool, error) {
	has := func(word string) bool {
		for _, x := range w {
			if x == word {
				return true
			}
		}
		return false
	}
	arg := func(i int) string {
		if i < len(w) {
			return w[i]
		}
		return ""
	}
	number := func(i int) int { n, _ := strconv.Atoi(arg(i)); return n }
	var in incident.Intent
	switch w[0] {
	case "ask":
		in = incident.AskStep{
			By: person(arg(1)), Playbook: "service-down", Step: "roll-back", Title: "Roll back", Class: incident.Effort(arg(2)), Command: "kubectl rollout undo",
			Sure: has("sure"), Approval: has("approval"), Block: incident.Block{Params: map[string]string{"pod": w[len(w)-1]}},
			Approvers: []incident.Person{person("bob")},
		}
	case "preview":
		in = incident.PreviewStep{N: number(1), Preview: incident.Preview{Objects: []incident.Object{{Kind: "Deployment", Name: "api", Version: arg(2)}}}}
	case "confirm":
		in = incident.ConfirmStep{By: person(arg(1)), N: number(2), Digest: arg(3)}
	case "approve":
		in = incident.ApproveStep{By: person(arg(1)), N: number(2), Digest: arg(3)}
	case "refuse":
		in = incident.RefuseStep{By: person(arg(1)), N: number(2), Reason: arg(3)}
	case "cancel":
		in = incident.CancelStep{By: person(arg(1)), N: number(2)}
	case "start":
		in = incident.StartStep{N: number(1)}
	case "stale":
		in = incident.StaleStep{N: number(1), Reason: arg(2)}
	case "end":
		in = incident.EndStep{N: number(1), Outcome: incident.Outcome{End: incident.End(arg(2)), Journal: arg(3)}}
	case "undo":
		in = incident.AskUndo{By: person(arg(1)), N: number(2), Sure: true, Approval: has("approval")}
	default:
		return nil, false, nil
	}
	facts, err := p.sim.say(in)
	return facts, true, err
}

// tellStep says a step's event in one line of a transcript; empty: it is none.
func tellStep(e incident.Event) string {
	until := func(t time.Time) string { return ", until " + offset(t) }
	switch e := e.(type) {
	case incident.StepAsked:
		return fmt.Sprintf("run %d, %s, asked by %v%s%s%s%s", e.N, e.Class, e.By, when(e.Sure, ", who may operate"), when(e.Approval, ", needs approval"),
			when(e.Undoes > 0, fmt.Sprintf(", undoes run %d", e.Undoes)), until(e.Until))
	case incident.StepPreviewed:
		return fmt.Sprintf("run %d shown as %.6s%s", e.N, e.Digest, until(e.Until))
	case incident.StepConfirmed:
		return fmt.Sprintf("run %d wanted by %v%s", e.N, e.By, until(e.Until))
	case incident.StepApproved:
		return fmt.Sprintf("run %d approved by %v as %.6s%s", e.N, e.By, e.Digest, until(e.Until))
	case incident.StepRefused:
		return fmt.Sprintf("run %d refused by %v: %s", e.N, e.By, e.Reason)
	case incident.StepWithdrawn:
		return fmt.Sprintf("run %d taken back by %v", e.N, e.By)
	case incident.StepLapsed:
		return fmt.Sprintf("run %d lapsed while %s%s", e.N, e.Was, late(e.Late))
	case incident.StepChanged:
		return fmt.Sprintf("run %d not made: %s%s", e.N, e.Reason, until(e.Until))
	case incident.StepStarted:
		return fmt.Sprintf("run %d began", e.N)
	case incident.StepStopped:
		return fmt.Sprintf("run %d is stopped by %v", e.N, e.By)
	case incident.StepEnded:
		return fmt.Sprintf("run %d is %s", e.N, e.Outcome.End)
	default:
		return ""
	}
}

// showStep names an effect of a step shortly; empty: it is none.
func showStep(e incident.Effect) string {
	switch e := e.(type) {
	case incident.Perform:
		return strings.TrimSpace(when(e.Look, "LOOK") + when(!e.Look, "RUN") + " " + strconv.Itoa(e.N))
	case incident.ShowStep:
		return "message of run " + strconv.Itoa(e.N)
	case incident.RefreshStep:
		return "refresh run " + strconv.Itoa(e.N)
	default:
		return ""
	}
}
