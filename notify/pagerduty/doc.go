// Package pagerduty pages people over PagerDuty, keeps the PagerDuty incident
// in step with ours, and brings back what people did there.
//
// With an API key each page is a PagerDuty incident assigned to the person
// (REST v2); with a routing key alone it is an event (Events v2), and PagerDuty
// wakes whoever its own service names. That PagerDuty took a page does not mean
// that somebody woke up: only an acknowledgement says so. Acknowledgements and
// resolutions come back by signed v3 webhooks ([Channel.Webhook]) and by asking
// while a page is open ([Watcher]); both name the same answer by the same key,
// and what we did ourselves is not an answer.
//
// PAGERDUTY_FROM is best a user of its own: what that user does is taken for
// ours, and PagerDuty does not notify the one who creates an incident.
//
// It never decides who is paged or when, keeps nothing on disk, repeats no
// request by itself, and puts no key, mail address or phone number into an
// error or a log.
package pagerduty
