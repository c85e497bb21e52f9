//go:build race

package store_test

// underRace tells that the race detector makes everything ten times as slow.
const underRace = true
