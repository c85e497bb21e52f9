package app

import (
	"context"

	"muster/incident"
	"muster/outbox"
)

// silence asks Alertmanager to keep a silence, once.
func (p *Program) silence(context.Context, outbox.Delivery, incident.AlertSilence, bool) (incident.Receipt, error) {
	return incident.Receipt{}, outbox.PermanentError{Reason: "ALERTMANAGER_URL is not set"}
}

// unsilence asks Alertmanager to end one.
func (p *Program) unsilence(context.Context, incident.AlertUnsilence) error {
	return outbox.PermanentError{Reason: "ALERTMANAGER_URL is not set"}
}

// chartAlert draws the expression of a group's alert and uploads it.
func (p *Program) chartAlert(context.Context, outbox.Delivery, incident.AlertChart) (incident.Receipt, error) {
	return incident.Receipt{}, nil
}
