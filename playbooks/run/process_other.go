//go:build !linux

package run

import (
	"os"
	"os/exec"
)

func alone(*exec.Cmd) {}

func killGroup(p *os.Process) { _ = p.Kill() }

// residentBytes is not known here: the child watches itself.
func residentBytes(int) int64 { return 0 }

func confine(Limits) error { return nil }
