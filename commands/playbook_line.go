package commands

import (
	"fmt"
	"strings"

	"muster/incident"
)

// playbookLine is Line for the records of playbooks.
func playbookLine(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.PlaybookSuggested:
		var list []Rich
		for _, p := range e.Playbooks {
			list = append(list, Say(Bold(p.Title), maybe(" (", p.Why), closes2(p.Why)))
		}
		if len(list) == 1 {
			return Say("The playbook ", list[0], " fits")
		}
		return Say("The playbooks ", Join(list, ", "), " fit")
	case incident.PlaybookOpened:
		return Say(e.By, " opened the playbook ", e.Playbook.Title)
	case incident.ItemTicked:
		if e.Off {
			return Say(e.By, " unticked ", e.Text)
		}
		return Say(e.By, " ticked ", e.Text)
	default:
		return stepLine(e)
	}
}

// stepLine is Line for the records of a playbook's steps.
func stepLine(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.StepAsked:
		verb := " ran "
		if e.Class == incident.Changing {
			verb = " asked for "
		}
		return Say(e.By, verb, e.Title, " (run ", e.N, "): ", oneLine(e.Command))
	case incident.StepPreviewed:
		return Say("Run ", e.N, " would change ", touched(e.Preview.Objects), "; it is bound to ", shorten(e.Digest, 13))
	case incident.StepConfirmed:
		return Say(e.By, " wants run ", e.N)
	case incident.StepApproved:
		return Say(e.By, " approved run ", e.N, " as ", shorten(e.Digest, 13))
	case incident.StepRefused:
		return Say(e.By, " refused run ", e.N, maybe(": ", e.Reason))
	case incident.StepWithdrawn:
		return Say(e.By, " took run ", e.N, " back")
	case incident.StepLapsed:
		if e.Was == incident.Ready {
			return Say("Run ", e.N, " expired: it had not begun in time, and did not run", late(e.Late))
		}
		return Say("Run ", e.N, " expired: nobody decided in time, and it did not run", late(e.Late))
	case incident.StepChanged:
		return Say("Run ", e.N, " was not made: ", strings.TrimSuffix(e.Reason, "."), "; it is asked again")
	case incident.StepStarted:
		return Say("Run ", e.N, " began")
	case incident.StepStopped:
		return Say(e.By, " stops run ", e.N)
	case incident.StepEnded:
		return Say("Run ", e.N, " ", EndWord(e.Outcome), maybe(": ", strings.TrimSuffix(e.Outcome.Why, ".")), evidence(e.Outcome))
	default:
		return nil
	}
}

func oneLine(text string) string { return shorten(strings.Join(strings.Fields(text), " "), 300) }

func touched(objects []incident.Object) string {
	if len(objects) == 0 {
		return "nothing in the cluster"
	}
	var list []string
	for _, o := range objects {
		list = append(list, strings.ToLower(o.Kind)+"/"+o.Name)
	}
	return shorten(strings.Join(list, ", "), 300)
}

// EndWord says in words how a step ended.
func EndWord(o incident.Outcome) string {
	took := ""
	if o.Took > 0 {
		took = " after " + Span(o.Took)
	}
	switch o.End {
	case incident.EndDone:
		return "is done" + took
	case incident.EndFailed:
		return fmt.Sprintf("failed with exit %d%s", o.Exit, took)
	case incident.EndRefused:
		return "was refused"
	case incident.EndDeadline:
		return "was ended at its deadline" + took
	case incident.EndMemory:
		return "was ended: it took too much memory"
	case incident.EndOutput:
		return "was ended: it printed without end"
	case incident.EndCancelled:
		return "was cancelled" + took
	case incident.EndDied:
		return "died" + took
	case incident.EndUnknown:
		return "has an unknown outcome"
	case incident.EndNotRun:
		return "did not run"
	default:
		return string(o.End)
	}
}

func evidence(o incident.Outcome) string {
	if o.SHA256 == "" {
		return ""
	}
	return fmt.Sprintf("; output %d bytes, SHA-256 %s", o.Size, shorten(o.SHA256, 13))
}
