// Package stats counts what many incidents say: how fast people answered, kept
// their updates and resolved, and what paging asked of each of them.
//
// It is pure: it reads no clock and no store, and judges nobody.
package stats
