//go:build !race

package alerts_test

const mutations = 100_000
