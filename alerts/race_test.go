//go:build race

package alerts_test

// The race detector makes everything ten times as slow, and one goroutine
// cannot race: the rest of the payloads are for a run without it.
const mutations = 10_000
