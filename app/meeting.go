package app

import (
	"context"
	"fmt"
	"net/mail"
	"strings"

	"muster/bot"
	"muster/incident"
	"muster/notify/email"
	"muster/outbox"
	"muster/report/ics"
)

// mailMeeting invites those who took part, and the stakeholders, to the
// post-mortem's meeting, or calls it off. Without mail there is nobody to write
// to, and the file in the thread is all.
func (p *Program) mailMeeting(ctx context.Context, d outbox.Delivery, e incident.MeetingMail, maybeSent bool) error {
	if p.channels.email == nil {
		return nil
	}
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	to := p.invited(s)
	if !e.To.Nobody() {
		to = p.invited(incident.Incident{After: incident.After{Owner: e.To}})
	}
	if len(to) == 0 {
		return nil
	}
	m, err := p.meeting(s, e.Seq)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	m.At, m.Cancel, m.Organizer = e.At, e.Cancel, p.channels.email.From()
	for _, a := range to {
		m.Invited = append(m.Invited, ics.Guest{Name: a.Name, Address: a.Address})
	}
	_, err = p.channels.email.Invite(ctx, email.Invitation{
		Delivery: d.ID, To: to, Incident: s, At: e.At, Cancel: e.Cancel, Calendar: m.File(), Method: m.Method(), Link: p.bot.Link(s.Card), Now: p.now(),
	}, maybeSent)
	return err
}

// postMeeting puts the meeting into the thread, for calendars that no mail
// reaches. It names nobody's address.
func (p *Program) postMeeting(ctx context.Context, d outbox.Delivery, e incident.MeetingFile, maybeSent bool) ([]byte, error) {
	s, err := p.incidents.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	m, err := p.meeting(s, e.Seq)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	m.At = e.At
	zone := p.roster.zone(s.Writer())
	if zone == nil {
		zone = e.At.UTC().Location()
	}
	return p.bot.Handler().Share(ctx, d, maybeSent, bot.File{
		Name: fmt.Sprintf("%s-post-mortem-%d.ics", strings.ToLower(s.ID), e.Seq), Title: "Post-mortem of " + s.ID + ", " + e.At.In(zone).Format("Mon 2 Jan 15:04 MST"), Data: m.File(),
	})
}

func (p *Program) meeting(s incident.Incident, seq uint64) (ics.Meeting, error) {
	secret, err := p.secret()
	if err != nil {
		return ics.Meeting{}, fmt.Errorf("name the meeting: %w", err)
	}
	text := fmt.Sprintf("%s %s\nWhat happened, what we learn, what we change. Nobody is to blame.", s.Severity, s.Title)
	if cause := s.Text(incident.SectionCause); cause != "" {
		text += "\nRoot cause as known now: " + cause
	}
	return ics.Meeting{
		UID: ics.MeetingUID(secret, s.ID), Sequence: int(min(seq, 1<<31-1)), Title: "Post-mortem of " + s.ID + ": " + s.Title, //nolint:gosec // bounded
		Text: text, URL: p.bot.Link(s.Card), Now: p.now(),
	}, nil
}

// invited are who took part and has a mail address, then the stakeholders, each
// once.
func (p *Program) invited(s incident.Incident) []mail.Address {
	var out []mail.Address
	known := map[string]bool{}
	add := func(name, address string) {
		if key := strings.ToLower(address); email.CheckAddress(address) == nil && !known[key] {
			known[key] = true
			out = append(out, mail.Address{Name: name, Address: address})
		}
	}
	for _, who := range s.Participants() {
		address := p.contact(who).Email
		if address == "" {
			address = who.Key // of somebody in no rota it is the address, or none
		}
		add(who.Name, address)
	}
	for _, address := range s.Plan.Stakeholders {
		add("", address)
	}
	return out
}
