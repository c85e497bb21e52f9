// Package inbox is a local mail server in memory, for `muster demo` and for
// tests: an SMTP server that keeps what it takes, by recipient, and tells a
// hook. [Inbox.Break] makes go wrong what can go wrong between a program and
// its mail server.
//
// It never passes a mail on, keeps nothing on disk, and checks no signature.
package inbox
