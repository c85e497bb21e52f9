package app

import (
	"os"
	"testing"

	"muster/playbooks/run"
)

// A step of a playbook runs in a child, which is this very program.
func TestMain(m *testing.M) {
	run.ChildMain()
	os.Exit(m.Run())
}
