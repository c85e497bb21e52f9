// Package crash holds the whole program against deaths and bad disks: a
// process that is killed under load or suspended, a power cut, a disk that is
// full, read-only or fails, a file that is damaged or of another version, a
// backup while people work.
//
// It has no code of its own besides its tests. Beside each program that dies
// stands a local Slack workspace that does not, and after each death what
// people were told is held against what is recorded and what they see.
//
// The program is killed 20 times by default. As often as one likes, on both
// levels, and with the disks that need root:
//
//	CI=true MUSTER_CRASH_ROUNDS=1000 MUSTER_CRASH_STRICT=1 go test -v -timeout 60m ./store/crash ./app/crash
//
// MUSTER_CRASH_STRICT holds the clocks to two seconds, which a machine with
// other work cannot keep.
package crash
