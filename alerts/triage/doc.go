// Package triage decides what follows from alerts: who is told, when an
// incident is declared, what belongs together, what is held back.
//
// It never reads the clock and never talks to anybody.
package triage
