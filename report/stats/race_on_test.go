//go:build race

package stats_test

// histories is fewer with the race detector: what is compared is pure.
const histories = 2_000
