package integration

import (
	"os"
	"path/filepath"
	"testing"

	"muster/integration/cluster"
	"muster/playbooks/run"
)

func TestMain(m *testing.M) {
	run.ChildMain()
	code := cluster.Main(m)
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}
