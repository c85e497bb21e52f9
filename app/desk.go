package app

import (
	"context"
	"fmt"

	"muster/commands"
	"muster/engine"
	"muster/incident"
	"muster/outbox"
)

// tellDesk tells one person what was changed about who is on call.
func (p *Program) tellDesk(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.Tell) ([]byte, error) {
	event, err := p.deskEvent(ctx, d.Stream, e.Seq)
	if err != nil {
		return nil, err
	}
	news := deskNews(event)
	switch event := event.(type) {
	case incident.ShiftBegan:
		news = p.shiftBegan(event)
	case incident.ShiftAccepted:
		news = said(commands.Say(event.By, " has accepted now and is on call as ", commands.Bold(event.Role), "."))
	case incident.ShiftUnanswered:
		news = shiftUnanswered(event, e.Person)
	}
	return p.bot.Direct(ctx, d, maybeSent, e.Person, news)
}

// postDesk tells a channel who takes over from whom, how the week was, or what
// was erased.
func (p *Program) postDesk(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.Post) ([]byte, error) {
	if d.Stream == engine.LookoutStream {
		return p.postLookout(ctx, d, maybeSent, e)
	}
	event, err := p.deskEvent(ctx, d.Stream, e.Seq)
	if err != nil {
		return nil, err
	}
	switch e := event.(type) {
	case incident.DigestDue:
		return p.postDigest(ctx, d, maybeSent, e)
	case incident.ErasedTold:
		return p.postErased(ctx, d, maybeSent, e)
	case incident.ShiftBegan:
		return p.bot.Announce(ctx, d, maybeSent, p.opt.Live.Get().Channels.Incidents, p.handover(e))
	}
	return nil, outbox.PermanentError{Reason: "no channel is told of this"}
}

func (p *Program) deskEvent(ctx context.Context, stream string, seq uint64) (incident.Event, error) {
	history, err := p.desk.History(ctx, stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	for _, r := range history {
		if r.Seq == seq {
			return r.Event, nil
		}
	}
	return nil, outbox.PermanentError{Reason: fmt.Sprintf("%s has no record %d", stream, seq)}
}

// deskNews says one fact of the desk to the person it concerns.
func deskNews(e incident.Event) commands.Reply {
	var body commands.Rich
	var pick []commands.Choice
	switch e := e.(type) {
	case incident.OverrideMade:
		body = commands.Say(e.By, " put you on call for ", e.Role, " from ", e.From, " to ", e.Until, ".")
	case incident.SwapAsked:
		body = commands.Say(e.By, " asks you to take ", e.Role, " from ", e.From, " to ", e.Until, ".")
		if !e.BackFrom.IsZero() {
			body = append(body, commands.Say(" In return ", e.By, " takes it from ", e.BackFrom, " to ", e.BackUntil, ".")...)
		}
		pick = []commands.Choice{{Value: "swap accept " + e.ID, Label: "Accept"}, {Value: "swap decline " + e.ID, Label: "Decline"}}
	case incident.SwapAnswered:
		if e.TakenBack() {
			body = commands.Say(e.By, " no longer asks you to take ", e.Role, " from ", e.From, " to ", e.Until, "; nothing changes.")
			break
		}
		answer := " does not take "
		if e.Accepted {
			answer = " takes "
		}
		body = commands.Say(e.With, answer, e.Role, " from ", e.From, " to ", e.Until, ".")
	}
	return commands.Reply{OK: true, Body: body, Text: body.Plain(), Pick: pick}
}
