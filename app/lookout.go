package app

import (
	"context"

	"muster/commands"
	"muster/incident"
	"muster/outbox"
)

// postLookout tells the incidents channel of a maintenance window.
func (p *Program) postLookout(ctx context.Context, d outbox.Delivery, maybeSent bool, e incident.Post) ([]byte, error) {
	r, err := recordOf(ctx, p.intake.look.History, d.Stream, e.Seq)
	if err != nil {
		return nil, err
	}
	var body commands.Rich
	switch what := r.Event.(type) {
	case incident.MaintenanceBegan:
		body = commands.Say("🛠 Maintenance until ", what.Until, " (", commands.Bold(what.ID), " by ", what.By, "): ", what.Text,
			"\nAlerts ", commands.Matching(what.Match), " are recorded and not announced.")
	case incident.MaintenanceEnded:
		body = commands.Say("🛠 The maintenance ", commands.Bold(what.ID), " is over: ", what.Text, "\nWhat still fires is announced now.")
		if !what.Ender.Nobody() {
			body = commands.Say("🛠 ", what.Ender, " ended the maintenance ", commands.Bold(what.ID), ": ", what.Text, "\nWhat still fires is announced now.")
		}
	default:
		return nil, outbox.PermanentError{Reason: "the channel is told of maintenance only"}
	}
	return p.bot.Announce(ctx, d, maybeSent, p.opt.Live.Get().Channels.Incidents, said(body))
}
