// Package outbox carries decided effects to the outside world: at least once,
// in order within a lane, by priority under the providers' limits, and only
// while they still matter.
//
// It never decides what is to be sent, and knows no provider.
package outbox
