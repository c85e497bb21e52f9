package incident

// CaughtUp says that one message told what several lines of the thread, or of
// the incident's own channel, would have told one by one: Slack could not be
// told as it happened.
type CaughtUp struct {
	// From and Through are the sequences of the first and the last record that
	// it covers.
	From    uint64 `json:"from"`
	Through uint64 `json:"through"`
	InRoom  bool   `json:"in_room,omitempty"`
}

func (CaughtUp) event() {}

// Covered is up to which record such messages have told; zero: there was none.
type Covered struct {
	Thread uint64 `json:"thread,omitempty"`
	Room   uint64 `json:"room,omitempty"`
}

// covers tells whether a line was told together with others.
func (c Covered) covers(t Thread) bool {
	through := c.Thread
	if t.InRoom {
		through = c.Room
	}
	return t.Seq <= through && folds(t)
}

func applyCaughtUp(s Incident, e CaughtUp) Incident {
	if e.InRoom {
		s.Covered.Room = max(s.Covered.Room, e.Through)
	} else {
		s.Covered.Thread = max(s.Covered.Thread, e.Through)
	}
	return s
}

// folds tells whether a line can be told together with others. A reminder, or a
// playbook that fits, asks for something, and keeps its buttons.
func folds(t Thread) bool {
	return t.What != EventKind(ReminderDue{}) && t.What != EventKind(PlaybookSuggested{})
}

// Backlog gives the records whose lines go where first goes, from first on, and
// tells whether any of them is shown in the channel too. Since a lane keeps its
// order, none of them was told when first was not.
func Backlog(history []Record, first Thread) (records []Record, also bool) {
	if !folds(first) {
		return nil, false
	}
	type line struct {
		record Record
		thread Thread
	}
	var s Incident
	var lines []line
	for _, r := range history {
		s = Apply(s, r)
		if r.Seq < first.Seq {
			continue
		}
		for _, e := range Effects(s, r) {
			if t, ok := e.(Thread); ok && t.InRoom == first.InRoom && folds(t) {
				lines = append(lines, line{r, t})
			}
		}
	}
	for _, l := range lines {
		if _, wanted := Relevant(s, l.thread); wanted {
			records, also = append(records, l.record), also || l.thread.Also
		}
	}
	return records, also
}
