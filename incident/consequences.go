package incident

import "slices"

// Effects says what the outside must be told because of one record. The state
// is the one after the record. No effect exists without a record that caused
// it.
func Effects(s Incident, r Record) []Effect {
	out := effects(s, r)
	if s.Circle.Private {
		return inside(s, r, out)
	}
	return out
}

func effects(s Incident, r Record) []Effect {
	thread := Thread{Seq: r.Seq, What: EventKind(r.Event)}
	loud := thread
	loud.Also = true
	switch e := r.Event.(type) {
	case Declared:
		return append(declared(s), looksBack(s, r)...)
	case Updated:
		return append(withRoom(s, thread, loud, RefreshCard{}), followers(s, r, "pagerduty", "email")...)
	case StatusChanged, MarkedCritical:
		return append([]Effect{thread, RefreshCard{}}, topic(s)...)
	case SeverityChanged:
		return severityChanged(s, e, loud)
	case RoleGiven:
		return append([]Effect{thread, RefreshCard{}}, invite(s, e.Person)...)
	case Noted:
		if e.Source != "" {
			return nil
		}
		return []Effect{thread}
	case ActionAdded, PersonAdded:
		return []Effect{thread, RefreshCard{}}
	case Acknowledged:
		out := append([]Effect{thread, RefreshCard{}}, invite(s, e.By)...)
		return append(out, followers(s, r, "slack", "pagerduty", "email")...)
	case Unacknowledged, Held, HoldEnded, Escalated, Snoozed:
		return []Effect{thread, RefreshCard{}}
	case AckLapsed:
		return []Effect{loud, Tell{Seq: r.Seq, What: thread.What, Person: e.By}, RefreshCard{}}
	case LadderStarted:
		if e.Round == 0 && e.Why == WhyDeclared {
			return nil
		}
		return []Effect{thread, RefreshCard{}}
	case Paged:
		return paged(s, e, r, thread)
	case LevelPassed:
		if e.Why == WhyAnswered {
			return []Effect{RefreshCard{}}
		}
		return []Effect{loud, RefreshCard{}}
	case LastResortPaged:
		out := []Effect{Operations{Seq: r.Seq}, loud, RefreshCard{}}
		if e.Target.Person != "" { // paged by the record behind this one
			return out
		}
		return append([]Effect{Last{Target: e.Target, Seq: r.Seq}}, out...)
	case PageSettled:
		switch e.State {
		case PageDelivered:
			if e.Ref != "" && (s.Acked() || !s.Open()) { // it arrived after the answer
				return []Effect{Follow{Method: e.Method, Seq: r.Seq, What: thread.What}}
			}
			return nil
		case PageCancelled: // the record has it; nobody needs to hear it
			return []Effect{RefreshCard{}}
		default:
			return []Effect{thread, RefreshCard{}}
		}
	case ReminderDue:
		return []Effect{thread, RefreshCard{}}
	case UpdateOverdue:
		return overdue(s, e, r, thread)
	case OnCallChanged:
		return append([]Effect{RefreshCard{}}, invite(s, e.Person)...)
	case ResolvedEvent:
		out := append(withRoom(s, thread, loud, RefreshCard{}), topic(s)...)
		return append(append(out, followers(s, r, "slack", "pagerduty", "email")...), append(meeting(s, r), impact(s, r)...)...)
	case Reopened:
		out := append(withRoom(s, thread, loud, RefreshCard{}), topic(s)...)
		if w := s.After.Watch; w.Chart.TS != "" {
			out = append(out, ShowWatch{Began: w.Seq})
		}
		return append(out, meeting(s, r)...)
	case ClosedEvent:
		return append(append([]Effect{thread, RefreshCard{}}, meeting(s, r)...), document(s, e, r)...)
	case MergedInto:
		pass := Pass{To: e.Into, TakeOver: TakeOver{By: e.By, From: s.ID, Title: s.Title}}
		return append([]Effect{pass, loud, RefreshCard{}}, followers(s, r, "slack", "pagerduty", "email")...)
	case MergedFrom:
		return []Effect{thread, RefreshCard{}}
	case AlertsTold:
		out := alertsTold(s, e, thread)
		if len(e.Joined) > 0 {
			out = append(out, looksBack(s, r)...)
		}
		return out
	case AllAlertsResolved:
		return withRoom(s, thread, loud, RefreshCard{})
	case Posted:
		return posted(s, e)
	case EffectFailed:
		if e.What == "operations" || e.What == "room" || e.What == "refresh_card" {
			return nil
		}
		return []Effect{Operations{Seq: r.Seq}}
	case PostmortemWritten, PostmortemAssigned, PostmortemPlanned, RecordMarked, ActionDone, MeetingNear, PostmortemOverdue, ActionNear, ActionShown, ImpactCounted, PastFound:
		return effectsAfter(s, r, thread)
	case WatchBegan, Watched, WatchEnded:
		return effectsWatch(s, r, thread)
	}
	out, _ := shelfEffects(s, r)
	return out
}

func declared(s Incident) []Effect {
	out := []Effect{Announce{}}
	for _, c := range s.Plan.Notify[s.Severity] {
		if c.Name != s.Plan.Incidents {
			out = append(out, Notify{Channel: c})
		}
	}
	if s.HasRoom() {
		out = append(out, Room{Step: RoomCreate})
	}
	return out
}

func severityChanged(s Incident, e SeverityChanged, loud Thread) []Effect {
	out := []Effect{loud, RefreshCard{}}
	if e.To < e.From {
		for _, c := range s.Plan.Notify[e.To] {
			if c.Name != s.Plan.Incidents && !slices.Contains(s.Plan.Notify[e.From], c) {
				out = append(out, Notify{Channel: c})
			}
		}
	}
	if s.HasRoom() && s.Room.Channel == "" {
		return append(out, Room{Step: RoomCreate})
	}
	return append(out, topic(s)...)
}

func paged(s Incident, e Paged, r Record, thread Thread) []Effect {
	var out []Effect
	for _, m := range e.Methods {
		out = append(out, Page{
			Attempt: e.Attempt, Level: e.Level, Role: e.Role, Person: e.Person, Method: m,
			Why: e.Why, Reason: e.Reason, At: r.At, Asked: e.Demand != 0,
		})
	}
	out = append(out, thread, RefreshCard{})
	return append(out, invite(s, e.Person)...)
}

func overdue(s Incident, e UpdateOverdue, r Record, thread Thread) []Effect {
	if e.Step > 2 { // the card counts on; nobody is told again
		return []Effect{RefreshCard{}}
	}
	var out []Effect
	if e.Step == 1 {
		told := map[string]bool{}
		for _, p := range []Person{s.Holder(Commander), s.Holder(Comms)} {
			if !p.Nobody() && !told[p.Key] {
				told[p.Key] = true
				out = append(out, Tell{Seq: r.Seq, What: thread.What, Person: p})
			}
		}
	}
	return append(out, thread, RefreshCard{})
}

// posted furnishes the incident's own channel once it is there.
func posted(s Incident, e Posted) []Effect {
	switch e.Place {
	case PlaceCard:
		if s.Room.Channel == "" {
			return nil
		}
		return linked()
	case PlaceRoom:
		out := []Effect{Room{Step: RoomCard}, Room{Step: RoomTopic}}
		for _, p := range responders(s) {
			out = append(out, Room{Step: RoomInvite, Person: p})
		}
		if s.Card.Channel != "" {
			out = append(out, linked()...)
		}
		return append(out, RefreshCard{})
	case PlaceRoomCard:
		// What changed while it was posted reached the other card only.
		return []Effect{Room{Step: RoomPin}, RefreshCard{}}
	default:
		return nil
	}
}

// linked furnishes the channel with what names the card's address. The card and
// the channel appear in either order; whichever comes second asks for this.
func linked() []Effect { return []Effect{Room{Step: RoomBookmark}, Room{Step: RoomCanvas}} }

// responders are the people an incident's channel is for, each once.
func responders(s Incident) []Person {
	all := []Person{s.DeclaredBy, s.OnCall}
	for _, r := range []Role{Commander, Comms, Ops, Scribe} {
		all = append(all, s.Holder(r))
	}
	for _, a := range s.Acks {
		all = append(all, a.By)
	}
	for _, p := range s.Climb.Pages {
		all = append(all, p.Person)
	}
	var out []Person
	for _, p := range all {
		if !p.Nobody() && !slices.ContainsFunc(out, p.Is) {
			out = append(out, p)
		}
	}
	return out
}

// followers tell the providers that paged, each once, what a record says.
func followers(s Incident, r Record, methods ...string) []Effect {
	var out []Effect
	for _, m := range methods {
		if len(s.Refs(m)) > 0 {
			out = append(out, Follow{Method: m, Seq: r.Seq, What: EventKind(r.Event)})
		}
	}
	return out
}

func withRoom(s Incident, thread Thread, effects ...Effect) []Effect {
	if s.Room.Channel == "" {
		return effects
	}
	thread.InRoom = true
	return append(effects, thread)
}

func topic(s Incident) []Effect {
	if s.Room.Channel == "" {
		return nil
	}
	return []Effect{Room{Step: RoomTopic}}
}

func invite(s Incident, p Person) []Effect {
	if s.Room.Channel == "" || p.Nobody() {
		return nil
	}
	return []Effect{Room{Step: RoomInvite, Person: p}}
}

// Relevant tells whether an effect still matters, and if not, why. It is asked
// right before each attempt to send.
func Relevant(s Incident, e Effect) (reason string, ok bool) {
	if s.IsErased() {
		return "the incident was erased", false
	}
	if s.Circle.Private {
		if reason, ok := relevantPrivate(s, e); !ok {
			return reason, false
		}
	}
	switch e := e.(type) {
	case Page:
		return relevantPage(s, e)
	case Last:
		return stillOpen(s)
	case Notify:
		return stillOpen(s)
	case Thread:
		if s.Covered.covers(e) {
			return "told together with others", false
		}
		return relevantReminder(s, e.What, e.Seq)
	case Tell:
		if e.What == EventKind(AckLapsed{}) {
			return stillOpen(s) // nobody waits for it any more
		}
		if reason, ok := relevantShelf(s, e); !ok {
			return reason, false
		}
		return relevantReminder(s, e.What, e.Seq)
	case ShowWatch, ShowRegression:
		return relevantWatch(s, e)
	case MeetingMail, MeetingFile:
		return relevantMeeting(s, e)
	case Room:
		if e.Step != RoomCreate {
			return "", true
		}
		if s.Room.Channel != "" {
			return "the channel is there", false
		}
		return stillOpen(s)
	default:
		return relevantShelf(s, e)
	}
}

func stillOpen(s Incident) (string, bool) {
	if !s.Open() {
		return s.ID + " is " + ended(s), false
	}
	return "", true
}

// relevantReminder drops a reminder that an update has answered meanwhile, or
// that the incident's end has.
func relevantReminder(s Incident, what string, seq uint64) (string, bool) {
	switch what {
	case EventKind(ReminderDue{}), EventKind(UpdateOverdue{}):
		if s.Update.Seq > seq {
			return "an update came", false
		}
		if s.Clock.Due.IsZero() || seq < s.Clock.Seq {
			return "the update clock was set again", false
		}
		return stillOpen(s)
	case EventKind(MeetingNear{}), EventKind(PostmortemOverdue{}):
		if !s.NeedsPostmortem() {
			return "the post-mortem is done", false
		}
	case EventKind(ActionNear{}):
		return relevantAction(s, seq)
	}
	return "", true
}

func relevantPage(s Incident, e Page) (string, bool) {
	if reason, ok := stillOpen(s); !ok {
		return reason, false
	}
	if e.Why == WhyOverdue {
		if s.Clock.Step < 2 {
			return "the update clock was set again", false
		}
		return "", true
	}
	if ack, ok := s.ack(e.Person); ok && (!e.Asked || e.Attempt <= ack.Pages) {
		return e.Person.String() + " has acknowledged", false
	}
	for _, p := range s.Climb.Pages {
		if p.Attempt > e.Attempt && p.Person.Is(e.Person) && p.Level == e.Level && p.Why != WhyOverdue && hasMethod(p, e.Method) {
			return "overtaken by a newer page", false
		}
	}
	if e.Asked {
		return "", true
	}
	l, known := s.Level(e.Level)
	switch {
	case !known || !l.Applies(s.Severity, s.Critical()):
		return s.Severity.String() + " does not page " + e.Level, false
	case l.Until == UntilAcknowledged && s.Acked():
		return s.Acks[0].By.String() + " has acknowledged", false
	}
	return "", true
}

func hasMethod(p PageStatus, method string) bool {
	return slices.ContainsFunc(p.Methods, func(m MethodStatus) bool { return m.Method == method })
}
