// Package store keeps everything that Muster must not forget in one file:
// the records of every stream, the deliveries that are still to be made, the
// answered requests and what is needed to find them again.
//
// It never decides what a record means: bodies, snapshots, summaries and
// replies are bytes to it. It starts no timers and reads no clock that
// decides; every moment that it stores is handed in.
package store
