// Package outbox carries decided effects to the outside world: at least once,
// in order within a lane, by priority under the providers' limits, and only
// while they still matter.
//
// It never decides what is to be sent, and knows no provider.
//
// The order of a lane is that of the deliveries whose time has come, by the
// sequence in their IDs: one with a NotBefore joins when it is due and holds
// nobody until then. The newest version of a thing takes the place in the order
// of the oldest that still waits, so what was decided after the first version
// of a card still finds the card there. That place lasts over a restart: the
// oldest version stays stored until the newest is settled.
package outbox
