package incident

import (
	"slices"
	"time"
)

// MeetingMail brings the post-mortem's meeting into the calendars of those who
// took part and of the stakeholders, by mail. The record's sequence is the
// invitation's: a later one replaces an earlier one.
type MeetingMail struct {
	Seq uint64 `json:"seq"`
	// At is when the meeting is; of a Cancel: was to be.
	At     time.Time `json:"at"`
	Cancel bool      `json:"cancel,omitempty"`
	// To is the only one who is told; nobody: all who are invited.
	To Person `json:"to,omitzero"`
}

// MeetingFile puts the same meeting into the thread, as a calendar file.
type MeetingFile struct {
	Seq uint64    `json:"seq"`
	At  time.Time `json:"at"`
}

func (MeetingMail) effect() {}
func (MeetingFile) effect() {}

// meeting is what calendars are told because of one record.
func meeting(s Incident, r Record) []Effect {
	if s.Drill.On {
		return nil
	}
	switch e := r.Event.(type) {
	case ResolvedEvent:
		if !e.Postmortem.IsZero() {
			return []Effect{MeetingMail{Seq: r.Seq, At: e.Postmortem}, MeetingFile{Seq: r.Seq, At: e.Postmortem}}
		}
	case PostmortemAssigned:
		before := s
		before.After.Owner = Person{}
		invited := slices.ContainsFunc(before.Participants(), e.To.Is)
		if at := s.After.Meeting; !invited && at.After(r.At) && s.ClosedAt.IsZero() && !s.ResolvedAt.IsZero() {
			return []Effect{MeetingMail{Seq: r.Seq, At: at, To: e.To}}
		}
	case PostmortemPlanned:
		return []Effect{MeetingMail{Seq: r.Seq, At: e.At}, MeetingFile{Seq: r.Seq, At: e.At}}
	case ClosedEvent:
		if e.Reason != "" && s.After.Invited.After(r.At) {
			return []Effect{MeetingMail{Seq: r.Seq, At: s.After.Invited, Cancel: true}}
		}
	case Reopened:
		if s.After.Invited.After(r.At) {
			return []Effect{MeetingMail{Seq: r.Seq, At: s.After.Invited, Cancel: true}}
		}
	}
	return nil
}

// relevantMeeting drops an invitation that a later one has replaced.
func relevantMeeting(s Incident, e Effect) (string, bool) {
	at := time.Time{}
	switch e := e.(type) {
	case MeetingMail:
		if e.Cancel {
			return "", true
		}
		at = e.At
	case MeetingFile:
		at = e.At
	}
	switch {
	case !s.After.Meeting.Equal(at):
		return "the meeting was moved again", false
	case s.ResolvedAt.IsZero(), !s.ClosedAt.IsZero():
		return "there is no meeting any more", false
	}
	return "", true
}
