package incident

import "time"

// Effect is something to tell the outside. It is stored with the records that
// caused it and carried out afterwards, at least once.
type Effect interface{ effect() }

// Page wakes one person over one method.
type Page struct {
	Attempt int       `json:"attempt"`
	Level   string    `json:"level,omitempty"`
	Role    string    `json:"role,omitempty"`
	Person  Person    `json:"person"`
	Method  string    `json:"method"`
	Why     Why       `json:"why"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
	// Asked pages were asked for by a person: only a later acknowledgement of
	// the one who is paged, or the end of the incident, overtakes them.
	Asked bool `json:"asked,omitempty"`
}

// Announce posts the card for the first time. It is never superseded: the
// thread hangs on it.
type Announce struct{}

// RefreshCard brings the card, and its copy in the incident's own channel, up
// to date. Only the newest one is sent.
type RefreshCard struct{}

// Thread posts into the card's thread what one record says. The record is
// found by its sequence; it is rendered when it is sent.
type Thread struct {
	Seq  uint64 `json:"seq"`
	What string `json:"what"` // the record's kind
	// Also shows it in the channel (updates and the resolution).
	Also bool `json:"also,omitempty"`
	// InRoom posts it into the incident's own channel instead.
	InRoom bool `json:"in_room,omitempty"`
}

// Tell sends one record to one person by DM.
type Tell struct {
	Seq    uint64 `json:"seq"`
	What   string `json:"what"` // the record's kind
	Person Person `json:"person"`
}

// Post posts into the incidents channel what one record of the desk says.
type Post struct {
	Seq  uint64 `json:"seq"`
	What string `json:"what"` // the record's kind
}

// Notify posts a short announcement to a class's channel.
type Notify struct {
	Channel Channel `json:"channel"`
}

// Operations tells the operations channel what one record says.
type Operations struct {
	Seq uint64 `json:"seq"`
}

// Last pages the last resort's channel or person.
type Last struct {
	Target LastResort `json:"target"`
	Seq    uint64     `json:"seq"`
}

// Room creates and furnishes the incident's own channel, one step each.
type Room struct {
	Step RoomStep `json:"step"`
	// Person is invited in the step RoomInvite.
	Person Person `json:"person,omitzero"`
}

// RoomStep is one call that an incident's channel takes.
type RoomStep string

// The steps, in their order.
const (
	RoomCreate   RoomStep = "create"
	RoomCard     RoomStep = "card"
	RoomPin      RoomStep = "pin"
	RoomInvite   RoomStep = "invite"
	RoomTopic    RoomStep = "topic"
	RoomBookmark RoomStep = "bookmark"
	RoomCanvas   RoomStep = "canvas"
)

// Follow tells a provider that paged what became of the incident since, or
// takes the buttons off the direct messages that paged.
type Follow struct {
	Method string `json:"method"`
	Seq    uint64 `json:"seq"`
	What   string `json:"what"` // the record's kind
}

// Pass hands an intent to another incident.
type Pass struct {
	To       string   `json:"to"`
	TakeOver TakeOver `json:"take_over"`
}

func (Page) effect()        {}
func (Announce) effect()    {}
func (RefreshCard) effect() {}
func (Thread) effect()      {}
func (Tell) effect()        {}
func (Notify) effect()      {}
func (Operations) effect()  {}
func (Last) effect()        {}
func (Room) effect()        {}
func (Follow) effect()      {}
func (Pass) effect()        {}
func (Post) effect()        {}
