package integration

import (
	"os"
	"testing"

	"muster/integration/cluster"
	"muster/playbooks/run"
)

func TestMain(m *testing.M) {
	run.ChildMain()
	os.Exit(cluster.Main(m))
}
