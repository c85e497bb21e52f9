package incident

import (
	"maps"
	"slices"
	"time"
)

// maxPages and maxSources bound what the state remembers of the past; the
// history has everything.
const (
	maxPages   = 40
	maxSources = 200
)

// Apply folds one record into the state. It is total: it never fails, and a
// record that makes no sense changes nothing but the sequence.
func Apply(s Incident, r Record) Incident {
	return apply(s, r).admit(r.Event)
}

func apply(s Incident, r Record) Incident {
	s.Tally = tally(s, r)
	s.Seq = r.Seq
	switch e := r.Event.(type) {
	case Declared:
		s.ID, s.Title, s.Severity, s.Chosen = e.ID, e.Title, e.Severity, e.Chosen
		s.Service, s.Impact, s.Marked, s.Origin = e.Service, e.Impact, e.Critical, e.Origin
		s.Status, s.Plan, s.Drill, s.Circle = Investigating, e.Plan, e.Drill, Circle{Private: e.Private}
		s.DeclaredAt, s.DeclaredBy = r.At, e.By
		s.Roles = map[Role]Person{}
		if !e.By.Nobody() {
			s.Roles[Commander] = e.By
		}
		s.Clock = Clock{From: r.At}
	case Updated:
		if e.Status != "" {
			s.Status = e.Status
		}
		if e.Impact != "" {
			s.Impact = e.Impact
		}
		if e.ETA != "" {
			s.ETA = e.ETA
		}
		s.Update = LastUpdate{At: r.At, Seq: r.Seq, By: e.By, Text: e.Text, Next: e.Next}
		s.Clock = Clock{From: r.At}
	case StatusChanged:
		s.Status = e.To
	case SeverityChanged:
		s = applySeverity(s, e, r.At)
	case MarkedCritical:
		paged := len(s.Levels()) > 0
		s.Marked, s.Climb.Turned = true, r.At
		if !paged {
			s.Climb.StartWhy = WhyRaised
		}
	case RoleGiven:
		s.Roles = maps.Clone(s.Roles)
		if s.Roles == nil {
			s.Roles = map[Role]Person{}
		}
		s.Roles[e.Role] = e.Person
	case Noted:
		if e.Source != "" {
			s.Sources = tail(append(slices.Clone(s.Sources), e.Source), maxSources)
		}
	case ActionAdded:
		s.Actions = append(slices.Clone(s.Actions), Action{N: e.N, Text: e.Text, Owner: e.Owner, Due: e.Due})
	case Acknowledged:
		s = applyAck(s, e, r.At)
		s.Climb.Turned = r.At
	case Unacknowledged:
		s = dropAck(s, e.By)
		s.Climb.Turned = r.At
		s.Climb.GaveBack = append(slices.Clone(s.Climb.GaveBack), e.By.Key)
		if !s.Acked() {
			s = rebase(s, r.At, WhyGivenBack)
		}
	case AckLapsed:
		s = dropAck(s, e.By)
		s.Climb.Turned = r.At.Add(-e.Late)
		if !s.Acked() {
			s = rebase(s, r.At, WhyLapsed)
		}
	case Held:
		if s.Climb.HeldAt.IsZero() {
			s.Climb.HeldAt = r.At
		}
		s.Climb.HeldUntil, s.Climb.HeldWhy = e.Until, e.Reason
	case HoldEnded:
		s = endHold(s, r.At)
	case Escalated:
		s = follow(s, e.After)
		s.Climb.Demands = append(slices.Clone(s.Climb.Demands), Demand{
			Seq: r.Seq, Level: e.Level, Role: e.Role, Person: e.Person, Reason: e.Reason, By: e.By, Last: e.Last,
		})
	case LadderStarted:
		s.Climb.Start, s.Climb.Round, s.Climb.StartWhy = r.At, e.Round, e.Why
		s.Climb.Base, s.Climb.BaseWhy, s.Climb.Rungs = time.Time{}, "", nil
		s.Climb.Over, s.Climb.LastResort = false, false
		s.Climb.GaveBack = nil
	case Paged:
		s = applyPaged(s, e, r.At)
	case LevelPassed:
		s = applyPassed(s, e, r.At)
	case LastResortPaged:
		s = serve(follow(s, e.After), e.Demand)
		s.Climb.LastResort = true
		if e.After == 0 && e.Demand == 0 {
			s.Climb.Over = e.Final
		}
	case PageSettled:
		s = applySettled(s, e, r.At)
	case ReminderDue:
		s.Clock.Due, s.Clock.Seq, s.Clock.Stepped, s.Clock.Step = e.Due, r.Seq, r.At, 0
		s.Clock.Snoozed = time.Time{}
	case UpdateOverdue:
		s.Clock.Stepped, s.Clock.Step = r.At, e.Step
	case Snoozed:
		s.Clock.Snoozed, s.Clock.Snoozes = e.Until, s.Clock.Snoozes+1
		s.Clock.Due, s.Clock.Seq, s.Clock.Stepped, s.Clock.Step = time.Time{}, 0, time.Time{}, 0
	case OnCallChanged:
		s.OnCall = e.Person
	case ResolvedEvent:
		s.Status, s.ResolvedAt, s.Resolution = Resolved, r.At, e
		s.Climb.HeldAt, s.Climb.HeldUntil, s.Climb.HeldWhy = time.Time{}, time.Time{}, ""
		s.Climb.Demands = nil
		s.After.Meeting, s.After.Planned, s.After.Reminded, s.After.Overdue = e.Postmortem, r.At, 0, false
		s.After.Invited = e.Postmortem
	case Reopened:
		s.Status, s.ResolvedAt, s.Resolution = Investigating, time.Time{}, ResolvedEvent{}
		s.ClosedAt, s.Reopens = time.Time{}, s.Reopens+1
		s.After.Meeting, s.After.Reminded, s.After.Overdue = time.Time{}, 0, false
		s.After.Watch.Ended = s.After.Watch.Seq != 0
		s.Acks = nil
		s.Climb = Climb{Pages: s.Climb.Pages, Attempts: s.Climb.Attempts, StartWhy: WhyReopened}
		s.Clock = Clock{From: r.At}
	case ClosedEvent:
		s.Status, s.ClosedAt = Closed, r.At
	case MergedInto:
		s.MergedInto, s.Status, s.ClosedAt = e.Into, Closed, r.At
		s.Climb.Demands = nil
	case MergedFrom:
	case Posted:
		spot := Spot{Channel: e.Channel, Name: e.Name, TS: e.TS}
		switch e.Place {
		case PlaceCard:
			s.Card = spot
		case PlaceRoom:
			s.Room = spot
		case PlaceRoomCard:
			s.RoomCard = spot
		case PlaceAlerts:
			s.AlertList = spot
		case PlaceWatch:
			s.After.Watch.Chart, s.After.Watch.Shown = spot, e.Ref
		}
	case CaughtUp:
		s = applyCaughtUp(s, e)
	case AlertsTold:
		s = s.told(e)
	case AllAlertsResolved:
	case EffectFailed:
	case PersonAdded:
	case Imported:
		return s.applyImported(e, r)
	case Erased:
		return s.applyErased(e, r)
	case PostmortemWritten, PostmortemAssigned, PostmortemPlanned, RecordMarked, ActionDone, MeetingNear, PostmortemOverdue, ActionNear, ActionShown, ImpactCounted, PastFound:
		return applyAfter(s, r)
	case WatchBegan, Watched, WatchEnded:
		return applyWatch(s, r)
	default:
		return applyShelf(s, r)
	}
	return s
}

func applySeverity(s Incident, e SeverityChanged, at time.Time) Incident {
	paged := len(s.Levels()) > 0
	s.Severity, s.Climb.Turned = e.To, at
	if !paged && len(s.Levels()) > 0 {
		s.Climb.StartWhy = WhyRaised
	}
	if s.Plan.Cadence[e.From] != s.Plan.Cadence[e.To] {
		s.Clock = Clock{From: at}
	}
	if len(s.Levels()) == 0 { // below paging: the ladder ends
		s.Climb = Climb{Pages: s.Climb.Pages, Attempts: s.Climb.Attempts, Demands: s.Climb.Demands, Turned: at}
	}
	return s
}

func applyAck(s Incident, e Acknowledged, at time.Time) Incident {
	s.Acks = without(s.Acks, func(a Ack) bool { return a.By.Is(e.By) })
	s.Acks = append(s.Acks, Ack{By: e.By, At: at, Via: e.Via, Pages: s.Climb.Attempts})
	s.Climb.GaveBack = without(s.Climb.GaveBack, func(k string) bool { return k == e.By.Key })
	return s
}

// dropAck takes an acknowledgement away; levels that it had answered are open
// again.
func dropAck(s Incident, by Person) Incident {
	s.Acks = without(s.Acks, func(a Ack) bool { return a.By.Is(by) })
	s.Climb.Rungs = without(s.Climb.Rungs, func(r Rung) bool {
		return r.Passed && r.Why == WhyAnswered
	})
	return s
}

// rebase lets the levels that an acknowledgement stops count from a new start.
func rebase(s Incident, at time.Time, why Why) Incident {
	if s.Climb.Start.IsZero() {
		return s
	}
	s.Climb.Base, s.Climb.BaseWhy = at, why
	s.Climb.Over = false
	s.Climb.Rungs = without(s.Climb.Rungs, func(r Rung) bool {
		l, ok := s.Level(r.Level)
		return ok && l.Until == UntilAcknowledged
	})
	return s
}

// endHold moves the ladder's clocks by the time that was held; what happened
// meanwhile counts from the hold's end. That end is the one that was said: time
// away after it is lateness, not hold.
func endHold(s Incident, at time.Time) Incident {
	if s.Climb.HeldAt.IsZero() {
		return s
	}
	end := s.Climb.HeldUntil
	if at.Before(end) {
		end = at
	}
	held := max(end.Sub(s.Climb.HeldAt), 0)
	shift := func(t *time.Time) {
		switch {
		case t.IsZero():
		case !t.After(s.Climb.HeldAt):
			*t = t.Add(held)
		case t.Before(end):
			*t = end
		}
	}
	s.Climb.Turned = end
	shift(&s.Climb.Start)
	shift(&s.Climb.Base)
	s.Climb.Rungs = slices.Clone(s.Climb.Rungs)
	for i := range s.Climb.Rungs {
		shift(&s.Climb.Rungs[i].Pulled)
		shift(&s.Climb.Rungs[i].Since)
		shift(&s.Climb.Rungs[i].Last)
		shift(&s.Climb.Rungs[i].Cycle)
		shift(&s.Climb.Rungs[i].PassedAt)
	}
	s.Climb.HeldAt, s.Climb.HeldUntil, s.Climb.HeldWhy = time.Time{}, time.Time{}, ""
	return s
}

// setRung changes the rung of a level, adding it when it is not there yet.
func setRung(s Incident, level string, change func(*Rung)) Incident {
	s.Climb.Rungs = slices.Clone(s.Climb.Rungs)
	i := slices.IndexFunc(s.Climb.Rungs, func(r Rung) bool { return r.Level == level })
	if i < 0 {
		s.Climb.Rungs = append(s.Climb.Rungs, Rung{Level: level})
		i = len(s.Climb.Rungs) - 1
	}
	change(&s.Climb.Rungs[i])
	return s
}

func applyPaged(s Incident, e Paged, at time.Time) Incident {
	page := PageStatus{
		Attempt: e.Attempt, Level: e.Level, Role: e.Role, Round: e.Round, Person: e.Person,
		At: at, Why: e.Why, Asked: e.Demand != 0, Missing: e.Missing,
	}
	for _, m := range e.Methods {
		page.Methods = append(page.Methods, MethodStatus{Method: m, State: PageQueued, At: at})
	}
	s.Climb.Pages = tail(append(slices.Clone(s.Climb.Pages), page), maxPages)
	s.Climb.Attempts = e.Attempt
	s = serve(s, e.Demand)
	if e.Level == "" || e.Why == WhyOverdue {
		return s
	}
	return setRung(s, e.Level, func(r *Rung) {
		answered := r.Passed && r.Why == WhyAnswered || s.AckedBy(r.Asked())
		// Asked of somebody who has not answered, a level that was answered begins anew.
		if r.Since.IsZero() || e.Demand != 0 && answered && !s.AckedBy(e.Person) {
			r.Since = at
		}
		if e.Why != WhyFailed && e.Why != WhyStep {
			r.Cycle, r.Tried, r.Used = at, nil, nil
		}
		if !slices.Contains(r.Tried, e.Person.Key) {
			r.Tried, r.Used = append(slices.Clone(r.Tried), e.Person.Key), nil
		}
		r.Used = append(slices.Clone(r.Used), e.Methods...)
		r.Last, r.Attempt, r.Why = at, e.Attempt, e.Why
		r.Passed, r.PassedAt = false, time.Time{}
	})
}

func applyPassed(s Incident, e LevelPassed, at time.Time) Incident {
	if e.Demand != 0 { // asked for by a person: the ladder's own round goes on
		return serve(s, e.Demand)
	}
	if e.Level != "" {
		s = setRung(s, e.Level, func(r *Rung) { r.Passed, r.PassedAt, r.Why = true, at, e.Why })
	}
	if e.Next != "" {
		s = setRung(s, e.Next, func(r *Rung) {
			if r.Pulled.IsZero() {
				r.Pulled = at
			}
		})
	}
	return s
}

// follow remembers that a failed page was followed by another way to reach a
// person.
func follow(s Incident, attempt int) Incident {
	i := slices.IndexFunc(s.Climb.Pages, func(p PageStatus) bool { return attempt != 0 && p.Attempt == attempt })
	if i >= 0 {
		s.Climb.Pages = slices.Clone(s.Climb.Pages)
		s.Climb.Pages[i].Followed = true
	}
	return s
}

func serve(s Incident, demand uint64) Incident {
	if demand == 0 {
		return s
	}
	s.Climb.Demands = without(s.Climb.Demands, func(d Demand) bool { return d.Seq == demand })
	return s
}

func applySettled(s Incident, e PageSettled, at time.Time) Incident {
	i := slices.IndexFunc(s.Climb.Pages, func(p PageStatus) bool { return p.Attempt == e.Attempt })
	if i < 0 {
		return s
	}
	s.Climb.Pages = slices.Clone(s.Climb.Pages)
	p := &s.Climb.Pages[i]
	p.Methods = slices.Clone(p.Methods)
	for j := range p.Methods {
		m := &p.Methods[j]
		// What the provider took and then failed stays failed, whichever of the two is heard first.
		undone := m.State == PageFailed && e.State == PageDelivered && e.Ref != "" && m.Ref == e.Ref
		if m.Method == e.Method && !undone && (e.State != PageLate || m.State == PageQueued) {
			m.State, m.Reason, m.At, m.Ref = e.State, e.Reason, at, e.Ref
		}
	}
	return s
}

// without gives a list's other elements; none left is nil, as it is stored.
func without[T any](list []T, drop func(T) bool) []T {
	var out []T
	for _, v := range list {
		if !drop(v) {
			out = append(out, v)
		}
	}
	return out
}

func tail[T any](list []T, n int) []T {
	if len(list) > n {
		return slices.Clone(list[len(list)-n:])
	}
	return list
}
