package outbox

import "time"

// Lane keeps order among the deliveries of one stream. A lane never blocks
// another lane or another stream.
type Lane string

// The lanes. Page wakes people, Action runs things, Reply answers a person,
// Chat keeps the channel current, Decor is what an incident can do without.
const (
	Page   Lane = "page"
	Action Lane = "action"
	Reply  Lane = "reply"
	Chat   Lane = "chat"
	Decor  Lane = "decor"
)

// Priority orders deliveries that wait for the same limit; a smaller number
// goes first.
type Priority int

// The priorities, most urgent first.
const (
	Paging Priority = iota
	Answer
	Update
	Card
	Decoration
)

// Delivery is one effect on its way to the outside. It is stored in the same
// transaction as the records that caused it and removed in the transaction
// that records what came of it.
type Delivery struct {
	// ID is unique and stable over retries and restarts: every provider gets
	// it as its idempotency key. It is "STREAM/SEQ/INDEX".
	ID string `json:"id"`
	// Stream is the incident (or other aggregate) that it belongs to.
	Stream   string   `json:"stream"`
	Lane     Lane     `json:"lane"`
	Priority Priority `json:"priority"`
	// Kind and Body are the encoded effect; the outbox only looks at Kind.
	Kind string `json:"kind"`
	Body []byte `json:"body"`
	// Replaces names what this delivery is the newest version of within its
	// stream ("card"): older waiting ones of that name are dropped. Empty:
	// nothing.
	Replaces string `json:"replaces,omitempty"`
	// At is when it was decided.
	At time.Time `json:"at"`
	// NotBefore is the earliest moment to send; zero: at once.
	NotBefore time.Time `json:"not_before,omitzero"`
}
