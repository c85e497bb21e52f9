package incident

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxHold is the longest that the ladder can be held at once.
const MaxHold = time.Hour

// SnoozeFor is how far one snooze moves a reminder.
const SnoozeFor = 10 * time.Minute

// MaxText is the longest text of one record, in code points.
const MaxText = 4000

// Handle turns what was said into facts, or refuses with a Refusal. An intent
// that changes nothing gives no facts and no error: repeating is harmless.
func Handle(s Incident, in Intent, now time.Time) ([]Event, error) {
	switch in := in.(type) {
	case Declare:
		return declare(s, in)
	case Wake:
		return nil, nil
	case Settled:
		if !s.Exists() || s.IsErased() {
			return nil, nil
		}
		if events, mine := settledShelf(s, in); mine {
			return events, nil
		}
		if events, mine := settledAction(s, in); mine {
			return events, nil
		}
		return settled(in), nil
	}
	if !s.Exists() {
		return nil, Refusal{"unknown", "There is no such incident.", "See /incident list."}
	}
	if s.overheard(in) {
		return nil, Hidden(s.ID)
	}
	if in, ok := in.(Erase); ok {
		return s.erase(in, now), nil
	}
	if _, ok := in.(TellAlerts); ok && s.IsErased() {
		return nil, nil // it is over for its alerts, like a closed one
	}
	if err := cmp.Or(s.Gone(), s.readOnly()); err != nil {
		return nil, err
	}
	if text := longest(in); utf8.RuneCountInString(text) > MaxText {
		return nil, Refusal{"too_long", fmt.Sprintf("The text is longer than %d characters.", MaxText), "Shorten it; put the rest into a note."}
	}
	if events, known, err := handleAfter(s, in, now); known {
		return events, err
	}
	if events, mine, err := handleShelf(s, in, now); mine {
		return events, err
	}
	switch in := in.(type) {
	case Note:
		return note(s, in)
	case AddAction:
		if strings.TrimSpace(in.Text) == "" {
			return nil, Refusal{"empty", "The follow-up action has no text.", "Say what is to be done: action fix the alert @bob friday"}
		}
		return one(ActionAdded{By: in.By, N: len(s.Actions) + 1, Text: in.Text, Owner: in.Owner, Due: in.Due})
	case GiveRole:
		if s.Holder(in.Role).Is(in.Person) {
			return nil, nil
		}
		return one(RoleGiven(in))
	case AddPerson:
		return s.addPerson(in)
	case TakeOver:
		return one(MergedFrom(in))
	case TellAlerts:
		return tellAlerts(s, in)
	case Reopen:
		return reopen(s, in)
	case Close:
		return closeIncident(s, in)
	case Look:
		return look(s, in, now), nil
	case Resolve:
		if !s.ResolvedAt.IsZero() && s.MergedInto == "" {
			return nil, nil
		}
	}
	if !s.Open() {
		return nil, Refusal{"not_open", s.ID + " is " + ended(s) + ".", "Use reopen with a reason if it goes on."}
	}
	return handleOpen(s, in, now)
}

// handleOpen is what can be said of an incident that is open.
func handleOpen(s Incident, in Intent, now time.Time) ([]Event, error) {
	switch in := in.(type) {
	case PostUpdate:
		return postUpdate(s, in)
	case SetStatus:
		if in.To == s.Status {
			return nil, nil
		}
		if in.To == Resolved || in.To == Closed {
			return nil, Refusal{"not_a_move", string(in.To) + " is not set by status.", "Use resolve, and then the post-mortem."}
		}
		return one(StatusChanged(in))
	case SetSeverity:
		if in.To == s.Severity {
			return nil, nil
		}
		return one(SeverityChanged{By: in.By, From: s.Severity, To: in.To, Reason: in.Reason})
	case MarkCritical:
		if s.Marked {
			return nil, nil
		}
		return one(MarkedCritical(in))
	case Acknowledge:
		if ack, ok := s.ack(in.By); ok && !pagedSince(s, ack) {
			return nil, nil
		}
		return one(Acknowledged(in))
	case Unacknowledge:
		if !s.AckedBy(in.By) {
			return nil, Refusal{"not_acknowledged", "You have not acknowledged " + s.ID + ".", "See show for who has."}
		}
		return one(Unacknowledged(in))
	case Hold:
		return hold(s, in, now)
	case Escalate:
		return escalate(s, in)
	case Snooze:
		return snooze(s, in, now)
	case Resolve:
		return one(ResolvedEvent(in))
	case Merge:
		if strings.EqualFold(in.Into, s.ID) {
			return nil, Refusal{"same", s.ID + " cannot be merged into itself.", "Name the other incident: merge INC-n"}
		}
		if s.Circle.Private {
			return nil, Refusal{"private", s.ID + " is private: merging would name it where others read.", "Note in it what it has to do with the other one."}
		}
		return one(MergedInto(in))
	}
	return nil, fmt.Errorf("handle %T: the intent is not known", in)
}

func one(e Event) ([]Event, error) { return []Event{e}, nil }

func declare(s Incident, in Declare) ([]Event, error) {
	title := strings.Join(strings.Fields(in.Title), " ")
	if !in.Drill.On && strings.HasPrefix(strings.ToUpper(title), strings.TrimSpace(DrillMark)) {
		title = RealMark + title
	}
	switch {
	case s.Exists():
		return nil, Refusal{"exists", s.ID + " was declared already.", ""}
	case title == "":
		return nil, Refusal{"empty", "The incident has no title.", "Say what is wrong: create API service down"}
	case utf8.RuneCountInString(title) > MaxText:
		return nil, Refusal{"too_long", fmt.Sprintf("The title is longer than %d characters.", MaxText), "Shorten it and put the rest into a note."}
	}
	return one(Declared{
		ID: s.ID, Title: title, Severity: in.Severity, Chosen: in.Chosen, Service: in.Service,
		Impact: in.Impact, By: in.By, Critical: in.Critical, Origin: in.Origin, Plan: in.Plan, Drill: in.Drill, Private: in.Private,
	})
}

func note(s Incident, in Note) ([]Event, error) {
	if strings.TrimSpace(in.Text) == "" && in.Link == "" {
		return nil, Refusal{"empty", "The note has no text.", "Write it behind the word: note restarted the pod"}
	}
	if in.Source != "" && slices.Contains(s.Sources, in.Source) {
		return nil, nil
	}
	return one(Noted(in))
}

func postUpdate(s Incident, in PostUpdate) ([]Event, error) {
	if in.Status == Resolved || in.Status == Closed {
		return nil, Refusal{"not_a_move", string(in.Status) + " is not set by an update.", "Use resolve, and then the post-mortem."}
	}
	text := strings.TrimSpace(in.Text)
	if in.NoChange && text == "" {
		text = "No change"
	}
	if text == "" && in.Status == "" && in.Next == "" {
		return nil, Refusal{"empty", "The update says nothing.", "Write what was done: update restarted the API, watching errors"}
	}
	if text == "" {
		text = "Status is " + string(in.Status)
	}
	status := in.Status
	if status == s.Status {
		status = ""
	}
	return one(Updated{By: in.By, Status: status, Text: text, Next: in.Next, ETA: in.ETA, Impact: in.Impact, NoChange: in.NoChange})
}

func hold(s Incident, in Hold, now time.Time) ([]Event, error) {
	switch {
	case len(s.Levels()) == 0:
		return nil, Refusal{"no_ladder", s.ID + " is " + s.Severity.String() + " and pages nobody by itself: there is nothing to hold.", ""}
	case in.For <= 0:
		return nil, Refusal{"no_time", "A hold needs a time.", "For example: hold 30m waiting for the vendor"}
	case in.For > MaxHold:
		return nil, Refusal{"too_long", "The ladder can be held for at most an hour.", "For example: hold 1h waiting for the vendor"}
	case strings.TrimSpace(in.Reason) == "":
		return nil, Refusal{"no_reason", "A hold needs a reason.", "For example: hold 30m waiting for the vendor"}
	}
	return one(Held{By: in.By, Until: now.Add(in.For), Reason: in.Reason})
}

func escalate(s Incident, in Escalate) ([]Event, error) {
	if in.Level != "" {
		if _, ok := s.Level(in.Level); !ok {
			var names []string
			for _, l := range s.Plan.Ladder.Levels {
				names = append(names, l.Name)
			}
			return nil, Refusal{"no_level", in.Level + " is not a level of " + s.ID + ".", "Its levels are " + strings.Join(names, ", ") + "."}
		}
	}
	return one(Escalated{By: in.By, Level: in.Level, Role: in.Role, Person: in.Person, Reason: in.Reason})
}

// pagedSince tells whether somebody who has acknowledged was paged again: that
// page has an answer of its own.
func pagedSince(s Incident, a Ack) bool {
	return slices.ContainsFunc(s.Climb.Pages, func(p PageStatus) bool { return p.Person.Is(a.By) && p.Attempt > a.Pages })
}

func snooze(s Incident, in Snooze, now time.Time) ([]Event, error) {
	reminded := !s.Clock.Due.IsZero()
	switch {
	case s.Plan.Cadence[s.Severity] == "":
		return nil, Refusal{"no_clock", s.ID + " has no update clock to snooze.", ""}
	case !reminded && s.Clock.Snoozed.After(now):
		return nil, nil
	case !reminded:
		return nil, Refusal{"not_due", "No update of " + s.ID + " is due yet: there is nothing to snooze.", "A reminder comes when one is due."}
	case s.Severity == P0 && s.Clock.Snoozes > 0:
		return nil, Refusal{"twice", "A P0 update cannot be snoozed twice in a row.", "Post an update, or press No change."}
	}
	return one(Snoozed{By: in.By, Until: now.Add(s.SnoozeTime())})
}

func reopen(s Incident, in Reopen) ([]Event, error) {
	switch {
	case s.MergedInto != "":
		return nil, Refusal{"merged", s.ID + " was merged into " + s.MergedInto + ".", "Go on there."}
	case s.Open():
		return nil, nil
	case strings.TrimSpace(in.Reason) == "":
		return nil, Refusal{"no_reason", "Reopening needs a reason.", "For example: reopen errors are back"}
	}
	return one(Reopened(in))
}

func closeIncident(s Incident, in Close) ([]Event, error) {
	switch {
	case !s.ClosedAt.IsZero():
		return nil, nil
	case s.ResolvedAt.IsZero():
		return nil, Refusal{"not_resolved", s.ID + " is not resolved yet.", "Resolve it first."}
	}
	return one(ClosedEvent(in))
}

func ended(s Incident) string {
	switch {
	case s.MergedInto != "":
		return "merged into " + s.MergedInto
	case !s.ClosedAt.IsZero():
		return "closed"
	default:
		return "resolved"
	}
}

// longest gives the longest free text that an intent carries.
func longest(in Intent) string {
	var texts []string
	switch in := in.(type) {
	case PostUpdate:
		texts = []string{in.Text, in.Next, in.ETA, in.Impact}
	case SetSeverity:
		texts = []string{in.Reason}
	case Note:
		texts = []string{in.Text}
	case AddAction:
		texts = []string{in.Text}
	case Hold:
		texts = []string{in.Reason}
	case Escalate:
		texts = []string{in.Reason}
	case Resolve:
		texts = []string{in.Cause, in.Fix}
	case Reopen:
		texts = []string{in.Reason}
	case WritePostmortem:
		texts = slices.Collect(maps.Values(in.Texts))
	case MarkRecord:
		texts = []string{in.Text}
	case Close:
		texts = []string{in.Reason}
	case RefuseStep:
		texts = []string{in.Reason}
	}
	return slices.MaxFunc(append(texts, ""), func(a, b string) int {
		return utf8.RuneCountInString(a) - utf8.RuneCountInString(b)
	})
}

// ref is the name under which what was sent is found again; a message in Slack
// is named by its channel and time.
func (r Receipt) ref() string {
	if r.Ref == "" && r.TS != "" {
		return r.Channel + "/" + r.TS
	}
	return r.Ref
}

// settled records what came of an effect, where that is worth a record.
func settled(in Settled) []Event {
	if p, ok := in.Effect.(Page); ok {
		return []Event{PageSettled{
			Attempt: p.Attempt, Method: p.Method, State: in.State, Reason: in.Reason, Took: in.Took.Round(time.Millisecond), Ref: in.Receipt.ref(),
		}}
	}
	if f, ok := in.Effect.(Follow); ok && f.Method == "slack" {
		return nil // the buttons of an old message: nobody waits for them
	}
	if in.State == PageFailed {
		return []Event{EffectFailed{What: EffectKind(in.Effect), Reason: in.Reason}}
	}
	if in.State != PageDelivered || in.Receipt.Channel == "" {
		return nil
	}
	if t, ok := in.Effect.(Thread); ok && in.Receipt.Through > t.Seq {
		return []Event{CaughtUp{From: t.Seq, Through: in.Receipt.Through, InRoom: t.InRoom}}
	}
	posted := Posted{Channel: in.Receipt.Channel, Name: in.Receipt.Name, TS: in.Receipt.TS}
	switch e := in.Effect.(type) {
	case Announce, RefreshCard: // a change posts it where the first post was refused
		posted.Place, posted.Name = PlaceCard, ""
		if in.Receipt.Name != "" { // with the channel that it stands in
			return []Event{Posted{Place: PlaceRoom, Channel: posted.Channel, Name: in.Receipt.Name}, posted}
		}
	case AlertList:
		posted.Place = PlaceAlerts
	case ShowWatch:
		posted.Place, posted.Ref = PlaceWatch, in.Receipt.Ref
	case Room:
		switch e.Step {
		case RoomCreate:
			posted.Place = PlaceRoom
		case RoomCard:
			posted.Place = PlaceRoomCard
		default:
			return nil
		}
	default:
		return nil
	}
	return []Event{posted}
}
