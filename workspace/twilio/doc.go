// Package twilio is a local stand-in for Twilio: the parts of its API of
// 2010-04-01 that make calls and text messages, phones that ring, a voice that
// does what TwiML says, and callbacks that are signed as Twilio signs them.
//
// A phone that rings is told to [Config.Ring] at every change; a person (or a
// test) answers with [Server.Press], [Server.PickUp], [Server.Voicemail],
// [Server.HangUp] or [Server.Text]. [Server.SetFaults] makes go wrong what can
// go wrong between an app and Twilio.
//
// Times of calls follow [Config.Now]; waiting (ringing, for a key) follows the
// real clock, so that it can be used in a testing/synctest bubble. Speech takes
// no time.
//
// The package never calls anybody, never writes to disk, and talks to nobody
// but the addresses that its client names; its key opens nothing but itself.
package twilio
