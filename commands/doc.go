// Package commands is the one grammar for Slack, mentions, the command line
// and HTTP: it reads what a person typed, checks that this person may do it
// now, asks the engine to do it, and answers in plain words.
//
// It never knows a Slack type, reads no clock and opens no file or socket:
// the moment comes with the call, and everything else through small
// interfaces.
package commands
