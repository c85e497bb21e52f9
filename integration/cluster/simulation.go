package cluster

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What an image's tag ends with decides what becomes of its pods; every other pod is ready at once.
const (
	// Crashing pods die after every start.
	Crashing = "-crash"
	// Stuck pods do not go away when they are deleted without force.
	Stuck = "-stuck"
)

// ExecNamespace and OtherExecNamespace are the only namespaces where exec into a pod runs anything: the command, on this
// machine, as this user. Only harmless ones belong there. Program says what a command is.
const (
	ExecNamespace      = "exec-runs-here"
	OtherExecNamespace = "exec-runs-here-too"
)

// Program puts a shell script in front of the programs that exec in a pod finds, until the test ends.
func (c *Cluster) Program(t testing.TB, name, script string) {
	t.Helper()
	file := filepath.Join(c.dir, "bin", name)
	err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file) })
}

//go:embed files/audit.yaml
var auditPolicy []byte

//go:embed files/kwok.yaml
var stages []byte

// files are what the parts read.
type files struct {
	ca, kubeconfig, auditPolicy, kwok string
	server, kubelet                   pair
}

// PodLog and PreviousLog are what every container prints, and what it printed before its last restart.
var (
	PodLog = []string{
		"starting api, reading configuration",
		"connecting to the database at db:5432",
		"ERROR dial tcp: lookup db: no such host",
	}
	PreviousLog = []string{
		"starting api, reading configuration",
		"panic: DATABASE_URL is not set",
	}
)

func (c *Cluster) writeFiles(kubelet int) (files, error) {
	f := files{
		ca: filepath.Join(c.dir, "ca.crt"), kubeconfig: filepath.Join(c.dir, "kubeconfig"),
		auditPolicy: filepath.Join(c.dir, "audit.yaml"), kwok: filepath.Join(c.dir, "kwok.yaml"),
	}
	var err error
	if f.server, err = c.certs.files("server"); err != nil {
		return f, err
	}
	if f.kubelet, err = c.certs.files("apiserver-to-kubelet", "system:masters"); err != nil {
		return f, err
	}
	log, previous := filepath.Join(c.dir, "current"), filepath.Join(c.dir, "previous")
	simulation := bytes.Join([][]byte{stages, fmt.Appendf(nil, `apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata: {name: all}
spec: {logs: [{logsFile: %q, previousLogsFile: %q}]}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterExec
metadata: {name: some}
spec:
  selector: {matchNamespaces: [%s, %s]}
  execs: [{local: {workDir: %q, envs: [{name: PATH, value: %q}]}}]
`, log, previous, ExecNamespace, OtherExecNamespace, c.dir, os.Getenv("PATH"))}, []byte("---\n"))
	return f, errors.Join(
		os.WriteFile(f.ca, c.certs.pem, 0o600),
		writeKubeconfig(f.kubeconfig, "system:kube-controller-manager", c.as("system:kube-controller-manager", "system:masters")),
		os.WriteFile(f.auditPolicy, auditPolicy, 0o600),
		os.WriteFile(f.kwok, simulation, 0o600),
		os.WriteFile(log, containerLog(PodLog), 0o600),
		os.WriteFile(previous, containerLog(PreviousLog), 0o600),
	)
}

// containerLog writes lines as a container runtime does.
func containerLog(lines []string) []byte {
	at := time.Now().Add(-time.Minute).UTC()
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, "%s stdout F %s\n", at.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano), line)
	}
	return []byte(b.String())
}

// furnish makes the metrics API, puts two nodes into the cluster and waits until they are ready and namespaces have their service account.
func (c *Cluster) furnish(ctx context.Context) error {
	if err := c.serveMetrics(ctx); err != nil {
		return err
	}
	for _, name := range []string{"node-1", "node-2"} {
		node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}}}
		if _, err := c.Clients.CoreV1().Nodes().Create(ctx, node, meta.CreateOptions{}); err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
	}
	if err := c.until(ctx, "the nodes are ready", func(ctx context.Context) error {
		list, err := c.Clients.CoreV1().Nodes().List(ctx, meta.ListOptions{})
		if err != nil {
			return err
		}
		for _, node := range list.Items {
			if len(node.Spec.Taints) > 0 || !ready(node) {
				return fmt.Errorf("%s is not ready", node.Name)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return c.until(ctx, "the default namespace has its service account", func(ctx context.Context) error {
		_, err := c.Clients.CoreV1().ServiceAccounts("default").Get(ctx, "default", meta.GetOptions{})
		return err
	})
}

func ready(node core.Node) bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == core.NodeReady {
			return condition.Status == core.ConditionTrue
		}
	}
	return false
}
