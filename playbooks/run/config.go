package run

import (
	"time"
)

// Defaults of Limits.
const (
	DefaultDeadline  = 2 * time.Minute
	DefaultMaxOutput = 4 << 20
	DefaultMaxMemory = 512 << 20
	DefaultMaxRows   = 200
	// DefaultParallel is how many steps run at a time.
	DefaultParallel = 4
)

// Config says what steps can reach. The zero value reaches nothing: every part says what to configure.
type Config struct {
	// Executable is the program to start as the child; empty: this one.
	Executable string
	// Reading and Changing are the credentials for steps of either class. A Changing that is zero means Reading.
	Reading, Changing Cluster
	// ExecAllow are the commands that kubectl exec may run: see docs/playbook-sandbox.md for their form.
	ExecAllow []string
	// CurlAllow are the hosts, or host:port, that curl may read.
	CurlAllow []string
	// DataSources are PostgreSQL connection strings by name.
	DataSources map[string]string
	Prometheus  Endpoint
	Loki        Endpoint
	Limits      Limits
	// Parallel is how many steps run at a time; 0: DefaultParallel.
	Parallel int
}

// Endpoint is a server that answers queries. The zero value is none.
type Endpoint struct {
	URL   string
	Token string
}

// Cluster is a way into Kubernetes. The zero value is none.
type Cluster struct {
	// Kubeconfig is the content of a kubeconfig, whole in itself: what it names as a file is read before (LoadCluster).
	Kubeconfig []byte
	// Context of the kubeconfig; empty: its current one.
	Context string
	// As and AsGroups impersonate; empty: the credential itself.
	As       string
	AsGroups []string
}

func (c Cluster) none() bool { return len(c.Kubeconfig) == 0 }
