// Package crash holds the store against deaths and bad disks: a process that
// is killed under load, a power cut, a disk that is full, read-only, or fails.
//
// It has no code of its own besides its tests.
package crash
