// Package incident holds the words and the life of an incident: what people
// and systems may say about it (Intent), what is then recorded (Event), the
// state those records add up to (Incident), and what must be told to the
// outside (Effect).
//
// It never reads a clock, a file or a socket, and imports the standard
// library only: every function gives the same answer for the same arguments.
package incident
