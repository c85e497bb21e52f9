// Package render turns what is known of an incident into Slack's Block Kit:
// the card, the thread, direct messages, forms and the home tab, always within
// Slack's limits and with every foreign character escaped.
//
// It never reads a clock, sends anything, or knows a Slack client: the same
// arguments give the same bytes.
package render
