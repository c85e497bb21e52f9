// Package query asks Prometheus and Loki, each by one GET.
//
// Every question has a deadline and a bound on the size of its answer. An
// error is a [Failure]: one plain sentence for people, with the server's own
// words where the expression is at fault, and a kind for programs.
//
// The package never writes to either server, never asks twice by itself, keeps
// nothing between questions, and puts no token or password into an error.
package query
