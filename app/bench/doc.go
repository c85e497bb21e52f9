// Package bench measures the whole program: how fast it answers, pages, keeps
// its clocks, starts, and how much memory and disk it takes.
//
// It never decides whether something works; its benchmarks give figures, with
// the price of one durable write (F) and the machine's load beside each.
package bench
