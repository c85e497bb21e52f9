// Package notify holds the words that the notification channels share: what a
// page looks like to any of them, and what they tell back.
//
// It sends nothing itself; each channel is a package below it.
package notify

import (
	"context"
	"time"

	"muster/incident"
)

// Contact is a person with the ways to reach them. An empty field is a way
// that does not exist.
type Contact struct {
	Person    incident.Person
	Email     string
	Phone     string // E.164
	PagerDuty string // a user ID; empty: found by e-mail
	// Zone is for showing times to the person; nil: UTC.
	Zone *time.Location
}

// Message is everything a channel needs to page one person once.
type Message struct {
	// Delivery is stable over retries and restarts: the idempotency key.
	Delivery string
	// Dedup is stable over repeated pages too: incident, level and person.
	Dedup    string
	Incident incident.Incident // as it is now
	Page     incident.Page
	To       Contact
	// Link leads to the card, AckURL to a page that acknowledges with one
	// click, Public is MUSTER_PUBLIC_URL without a slash at its end; empty:
	// there is none.
	Link, AckURL, Public string
	Now                  time.Time
}

// Channel pages people. Its errors are outbox.PermanentError,
// outbox.RetryAfterError, outbox.NotSentError, or an unclear failure, after
// which maybeSent tells it to look before it repeats.
type Channel interface {
	Deliver(ctx context.Context, m Message, maybeSent bool) (incident.Receipt, error)
}

// Follow tells a channel what became of an incident that it paged for.
type Follow struct {
	// Delivery is the idempotency key of this word.
	Delivery string
	Incident incident.Incident
	// Refs are the provider's own names of the pages, oldest first.
	Refs []string
	// Quiet are those of Refs whose page an acknowledgement that holds has
	// answered.
	Quiet []string
	// Record is what happened: acknowledged, updated or resolved.
	Record incident.Record
	Now    time.Time
}

// Follower is a channel that is told what happens after its page.
type Follower interface {
	Follow(ctx context.Context, f Follow, maybeSent bool) error
}

// Kind is what an answer says.
type Kind string

// The answers that can come back over a channel.
const (
	Acknowledge Kind = "acknowledge"
	Escalate    Kind = "escalate"
	Resolve     Kind = "resolve"
)

// Answer is what a person said over a channel.
type Answer struct {
	Incident string
	Person   incident.Person
	Level    string // empty: not known
	Kind     Kind
	Via      string // pagerduty, phone, sms, email
	// Key is the provider's own name of this answer, so that it counts once.
	Key string
	// Said is what was pressed, typed or heard, for the record.
	Said string
	At   time.Time
}

// Listener records an answer. An incident.Refusal is for the person; any other
// error means that nothing was recorded, and the provider should send again.
type Listener func(ctx context.Context, a Answer) error
