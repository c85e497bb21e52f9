//go:build !race

package app

// underRace tells that the race detector makes everything ten times as slow.
const underRace = false
