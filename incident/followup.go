package incident

// ActionShown remembers where a reminder of follow-up work stands, whose
// button closes it.
type ActionShown struct {
	N       int    `json:"n"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

func (ActionShown) event() {}

// reminderOf finds the follow-up work whose newest reminder a record is.
func (s Incident) reminderOf(seq uint64) (Action, bool) {
	for _, a := range s.Actions {
		if a.Near == seq {
			return a, true
		}
	}
	return Action{}, false
}

// settledAction remembers where a reminder of follow-up work was posted; false:
// it is something else.
func settledAction(s Incident, in Settled) ([]Event, bool) {
	e, ok := in.Effect.(Tell)
	at := in.Receipt
	if !ok || e.What != EventKind(ActionNear{}) || in.State != PageDelivered || at.TS == "" {
		return nil, false
	}
	a, ok := s.reminderOf(e.Seq)
	if !ok {
		return nil, true
	}
	return []Event{ActionShown{N: a.N, Channel: at.Channel, TS: at.TS}}, true
}

// followAction takes the buttons off the reminders of follow-up work that is
// done.
func followAction(s Incident, r Record, n int) []Effect {
	for _, a := range s.Actions {
		if a.N == n && a.Done && len(a.Shown) > 0 {
			return []Effect{Follow{Method: "slack", Seq: r.Seq, What: EventKind(r.Event)}}
		}
	}
	return nil
}

// relevantAction drops a reminder of follow-up work that is done meanwhile, or
// that a later one has overtaken.
func relevantAction(s Incident, seq uint64) (reason string, ok bool) {
	switch a, known := s.reminderOf(seq); {
	case !known:
		return "a later reminder has overtaken it", false
	case a.Done:
		return "the follow-up is done", false
	}
	return "", true
}
