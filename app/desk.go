package app

import (
	"context"
	"fmt"

	"muster/commands"
	"muster/incident"
	"muster/outbox"
)

// tellDesk tells one person what was changed about who is on call.
func (p *Program) tellDesk(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.Tell) ([]byte, error) {
	history, err := p.desk.History(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	for _, r := range history {
		if r.Seq == e.Seq {
			return p.bot.Direct(ctx, d, maybeSent, e.Person, deskNews(r.Event))
		}
	}
	return nil, outbox.PermanentError{Reason: fmt.Sprintf("%s has no record %d", d.Stream, e.Seq)}
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
		answer := " does not take "
		if e.Accepted {
			answer = " takes "
		}
		body = commands.Say(e.With, answer, e.Role, " from ", e.From, " to ", e.Until, ".")
	}
	return commands.Reply{OK: true, Body: body, Text: body.Plain(), Pick: pick}
}
