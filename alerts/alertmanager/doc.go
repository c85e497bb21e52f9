// Package alertmanager makes, prolongs and ends silences in Alertmanager, and
// asks which alerts it has, over its API of version 2.
//
// Making the same silence again after an unclear failure finds the first one.
// The package never decides what is silenced or for how long, touches no
// silence of anybody else unless it is named, repeats no request by itself,
// and puts no token or password into an error.
package alertmanager
