//go:build !race

package run

// underRace tells that the race detector takes memory and time of its own.
const underRace = false
