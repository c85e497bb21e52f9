package integration

import (
	"os"
	"testing"

	"muster/integration/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Main(m)) }
