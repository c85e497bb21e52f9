package incident

import (
	"maps"
	"slices"
	"time"
)

// maxRuns bounds what the state remembers of runs that are over.
const maxRuns = 60

// applyShelf folds a record that concerns playbooks.
func applyShelf(s Incident, r Record) Incident {
	switch e := r.Event.(type) {
	case PlaybookSuggested:
		s.Shelf.Suggested = append(slices.Clone(s.Shelf.Suggested), e.Playbooks...)
	case PlaybookOpened:
		open := slices.DeleteFunc(slices.Clone(s.Shelf.Open), func(b OpenBook) bool { return b.Playbook.ID == e.Playbook.ID })
		s.Shelf.Open = append(open, OpenBook{Playbook: e.Playbook, By: e.By, Seq: r.Seq})
	case PlaybookPosted:
		s.Shelf.Open = slices.Clone(s.Shelf.Open)
		for i, b := range s.Shelf.Open {
			if b.Playbook.ID == e.Playbook && b.Seq == e.Seq {
				spots := maps.Clone(b.Spots)
				if spots == nil {
					spots = map[int]Spot{}
				}
				spots[e.Section] = Spot{Channel: e.Channel, TS: e.TS}
				s.Shelf.Open[i].Spots = spots
			}
		}
	case ItemTicked:
		ticks := slices.DeleteFunc(slices.Clone(s.Shelf.Ticks), func(t Tick) bool { return t.Playbook == e.Playbook && t.Item == e.Item })
		if !e.Off {
			ticks = append(ticks, Tick{Playbook: e.Playbook, Item: e.Item, By: e.By, At: r.At})
		}
		s.Shelf.Ticks = ticks
	case StepAsked:
		return stepAsked(s, e, r)
	case StepPreviewed:
		return step(s, r, e.N, func(run *StepRun) {
			run.Phase, run.Preview, run.Digest, run.Until = Waiting, e.Preview, e.Digest, e.Until
			if run.Sure {
				run.SureAt = r.At
			}
		})
	case StepConfirmed:
		return step(s, r, e.N, func(run *StepRun) {
			run.By, run.Sure, run.SureAt, run.Until, run.Approvers = e.By, true, r.At, e.Until, e.Approvers
			if !run.Approval {
				run.Phase = Ready
			}
		})
	case StepApproved:
		return step(s, r, e.N, func(run *StepRun) { run.Phase, run.Decided, run.Until = Ready, e.By, e.Until })
	case StepRefused:
		return over(s, r, e.N, func(run *StepRun) { run.Phase, run.Decided, run.Reason = Refused, e.By, e.Reason })
	case StepWithdrawn:
		return over(s, r, e.N, func(run *StepRun) { run.Phase, run.Decided = Withdrawn, e.By })
	case StepLapsed:
		return over(s, r, e.N, func(run *StepRun) { run.Phase = Lapsed })
	case StepChanged:
		return step(s, r, e.N, func(run *StepRun) {
			run.Phase, run.Reason, run.Until, run.Again = Previewing, e.Reason, e.Until, run.Again+1
			run.Decided, run.Digest, run.StartedAt, run.Stopping = Person{}, "", time.Time{}, Person{}
		})
	case StepStarted:
		return step(s, r, e.N, func(run *StepRun) { run.Phase, run.StartedAt = Running, r.At })
	case StepStopped:
		return step(s, r, e.N, func(run *StepRun) { run.Stopping = e.By })
	case StepEnded:
		return stepDone(s, e, r)
	case StepPosted:
		return mark(s, e.N, func(run *StepRun) { // no word about the run itself
			if run.At.TS != "" && run.At.TS != e.TS {
				run.Old = append(slices.Clone(run.Old), run.At)
			}
			run.At = Spot{Channel: e.Channel, TS: e.TS}
		})
	}
	return s
}

func stepAsked(s Incident, e StepAsked, r Record) Incident {
	run := StepRun{
		N: e.N, Playbook: e.Playbook, Book: e.Book, Step: e.Step, Title: e.Title, Class: e.Class, Command: e.Command, Block: e.Block,
		By: e.By, Sure: e.Sure, Approval: e.Approval, Approvers: e.Approvers, Phase: Previewing, Until: e.Until, AskedAt: r.At,
		Undoes: e.Undoes, Seq: r.Seq,
	}
	if e.Class != Changing {
		run.Phase = Ready
	}
	runs := slices.Clone(s.Shelf.Runs)
	if len(runs) >= maxRuns {
		if i := slices.IndexFunc(runs, func(r StepRun) bool { return r.Phase.Over() }); i >= 0 {
			runs = slices.Delete(runs, i, i+1)
		}
	}
	s.Shelf.Runs, s.Shelf.Asked = append(runs, run), max(e.N, s.Shelf.Asked)
	if len(e.Block.Params) > 0 {
		s.Shelf.Values = maps.Clone(s.Shelf.Values)
		if s.Shelf.Values == nil {
			s.Shelf.Values = map[string]string{}
		}
		maps.Copy(s.Shelf.Values, e.Block.Params)
	}
	if e.Undoes != 0 {
		s = mark(s, e.Undoes, func(run *StepRun) { run.UndoneBy = e.N })
	}
	return s
}

func stepDone(s Incident, e StepEnded, r Record) Incident {
	undoes, worked := 0, e.Outcome.End == EndDone
	s = step(s, r, e.N, func(run *StepRun) {
		run.Phase, run.Outcome, run.EndedAt, undoes = Ended, e.Outcome, r.At, run.Undoes
	})
	if undoes != 0 && !worked && e.Outcome.End != EndUnknown {
		s = mark(s, undoes, func(run *StepRun) { run.UndoneBy = 0 })
	}
	return s
}

// over ends a run that did not run; what it would have undone can be undone
// again.
func over(s Incident, r Record, n int, change func(*StepRun)) Incident {
	undoes := 0
	s = step(s, r, n, func(run *StepRun) {
		change(run)
		run.EndedAt, undoes = r.At, run.Undoes
	})
	if undoes != 0 {
		s = mark(s, undoes, func(run *StepRun) { run.UndoneBy = 0 })
	}
	return s
}

// step changes one run and notes the record.
func step(s Incident, r Record, n int, change func(*StepRun)) Incident {
	return mark(s, n, func(run *StepRun) {
		change(run)
		run.Seq = r.Seq
	})
}

// mark changes one run in a copy.
func mark(s Incident, n int, change func(*StepRun)) Incident {
	runs := slices.Clone(s.Shelf.Runs)
	for i := range runs {
		if runs[i].N == n {
			change(&runs[i])
		}
	}
	s.Shelf.Runs = runs
	return s
}
