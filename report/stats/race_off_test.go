//go:build !race

package stats_test

// histories is how many random ones are compared.
const histories = 10_000
