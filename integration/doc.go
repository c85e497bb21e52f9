// Package integration holds the tests that need a real cluster. It is the only one that starts one.
//
// It never holds anything that the program uses.
package integration
