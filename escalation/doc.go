// Package escalation is the paging rule: it looks at an incident and says who
// must be woken now, over what, and why.
//
// It never sends anything, reads no clock and no file: who is on call is
// asked of a Roster, and the moment is an argument.
package escalation
