package alerts

import (
	"context"

	"muster/incident"
)

// Batch is what one request tells: one group of alerts.
type Batch struct {
	// Source is incident.FromAlertmanager, FromGeneric or FromPagerDuty.
	Source string
	// GroupKey names the group for the sender; batches with the same source
	// and key are about the same group. Empty: each alert is a group of its own.
	GroupKey string
	// Receiver is the sender's name of the way that led here; empty: none.
	Receiver string
	// Alerts are in the order of the request.
	Alerts []incident.Alert
	// Key names the request, so that its repeat changes nothing; empty: the
	// alerts' identities alone decide.
	Key string
}

// Taker puts batches on record.
type Taker interface {
	// Take returns nil after the batch is on disk. Its error means that it is
	// not, and that the sender must keep it.
	Take(ctx context.Context, b Batch) error
}
