// Package app wires the parts into one program and owns its lifetime: it
// opens the store, starts what runs, and stops it in reverse.
//
// It never decides anything about an incident.
package app
