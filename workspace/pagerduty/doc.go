// Package pagerduty is a local PagerDuty in memory, for `muster demo` and for
// tests: events in (Events v2), the calls of REST v2 that Muster makes, and
// signed v3 webhooks out. A person acknowledges and resolves with
// [PagerDuty.Acknowledge] and [PagerDuty.Resolve]; [Config.Notify] is told
// whenever somebody would be woken. [PagerDuty.Break] makes go wrong what can
// go wrong between a program and PagerDuty.
//
// It follows PagerDuty where that can hurt: an incident that its own creator is
// assigned to wakes nobody, an open incident's key cannot be used twice, an
// unknown From is refused, and a webhook that is refused three times switches
// the subscription off for a day.
//
// It never pages anybody, keeps nothing on disk, and knows no escalation
// policies: an event wakes the one person that [Config.OnCall] names.
package pagerduty
