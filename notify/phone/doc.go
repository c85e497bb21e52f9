// Package phone wakes people by a telephone call over Twilio, and takes the
// key they press.
//
// With a public address ([Config.Public]) the call asks for a key: 1
// acknowledges, 2 escalates; a text message with the same two codes follows
// the call, because a call that was missed leaves nothing to answer. Without
// one nothing can come back: the call says so, and how to acknowledge instead,
// and there is no text message. Every address that Twilio is given carries a
// sealed word of ours that names the page and expires; every request from
// Twilio is checked against its signature over the public address.
//
// Only a pressed key is an answer. That Twilio took a call, that somebody or an
// answering machine picked it up, or that it ended says nothing about whether
// anybody woke up; [Config.Told] gets it for the record.
//
// A text message is from whom its number says, and networks let numbers be
// forged: it can acknowledge and escalate, never resolve.
//
// Twilio knows no idempotency key. After an unclear failure the account's
// newest calls to the same number are looked at before there is another one.
//
// The package never decides who is called or when, keeps nothing on disk,
// repeats no request by itself, and puts no token, phone number or mail
// address into an error or a log.
package phone
