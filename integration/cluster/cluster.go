package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// deadline ends every process of a cluster, whatever became of the test that started it.
const deadline = 20 * time.Minute

// patience is how long a test waits for something that a healthy cluster does in a moment.
const patience = 2 * time.Minute

// Cluster is a running control plane with two simulated nodes.
type Cluster struct {
	// URL is the apiserver's address.
	URL string
	// Clients speaks as a cluster administrator.
	Clients *kubernetes.Clientset
	// Config is the administrator's, for clients of other kinds.
	Config *rest.Config

	dir   string
	certs *authority
	procs []*process
}

var (
	once    sync.Once
	running *Cluster
	failed  error
)

// errMissing says what to run when the control plane has not been built.
var errMissing = errors.New("the control plane for the integration tests is not built; run integration/kube/build")

// Main runs the tests of a package and ends the cluster that they used. It is called by TestMain with its result
// going to os.Exit.
func Main(m *testing.M) int {
	code := m.Run()
	if running != nil {
		if err := running.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return max(code, 1)
		}
	}
	return code
}

// Get is the cluster that the tests of one package share; the first caller starts it. Where the control plane has
// not been built, the test is skipped; with CI=true it fails.
func Get(t testing.TB) *Cluster {
	t.Helper()
	once.Do(func() { running, failed = start() })
	switch {
	case errors.Is(failed, errMissing) && os.Getenv("CI") != "true":
		t.Skip(failed)
	case failed != nil:
		t.Fatal(failed)
	}
	return running
}

// binary finds the control plane that integration/kube/build has built from the sources next to this package.
func binary() (string, error) {
	dir, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	for {
		script := filepath.Join(dir, "integration", "kube", "build")
		if _, err := os.Stat(script); err == nil {
			out, err := exec.Command(script, "--path").Output()
			if err != nil {
				return "", fmt.Errorf("%s --path: %w", script, err)
			}
			bin := strings.TrimSpace(string(out))
			if _, err := os.Stat(bin); err != nil {
				return "", errMissing
			}
			return bin, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("integration/kube/build is not in any folder above this one")
		}
		dir = up
	}
}

// start brings a control plane up and waits until its nodes are ready.
func start() (*Cluster, error) {
	bin, err := binary()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "muster-cluster-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.begin(ctx, bin); err != nil {
		logs := c.logs()
		return nil, errors.Join(fmt.Errorf("start a control plane: %w\n%s", err, logs), c.stop())
	}
	return c, nil
}

func (c *Cluster) begin(ctx context.Context, bin string) error {
	var err error
	if c.certs, err = newAuthority(c.dir); err != nil {
		return err
	}
	ports, err := freePorts(4)
	if err != nil {
		return err
	}
	etcd, peer, api, kubelet := ports[0], ports[1], ports[2], ports[3]
	c.URL = fmt.Sprintf("https://127.0.0.1:%d", api)
	files, err := c.writeFiles(kubelet)
	if err != nil {
		return err
	}

	etcdURL, peerURL := fmt.Sprintf("http://127.0.0.1:%d", etcd), fmt.Sprintf("http://127.0.0.1:%d", peer)
	if err := c.run(bin, "etcd",
		"--data-dir", filepath.Join(c.dir, "etcd"), "--name", "one", "--initial-cluster", "one="+peerURL,
		"--listen-client-urls", etcdURL, "--advertise-client-urls", etcdURL,
		"--listen-peer-urls", peerURL, "--initial-advertise-peer-urls", peerURL,
		"--unsafe-no-fsync", "--log-level", "warn"); err != nil {
		return err
	}
	if err := c.run(bin, "kube-apiserver",
		"--etcd-servers", etcdURL, "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(api),
		"--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none",
		"--service-cluster-ip-range", "10.96.0.0/16",
		"--tls-cert-file", files.server.cert, "--tls-private-key-file", files.server.key,
		"--client-ca-file", files.ca, "--authorization-mode", "RBAC",
		"--kubelet-client-certificate", files.kubelet.cert, "--kubelet-client-key", files.kubelet.key,
		"--service-account-issuer", "https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file", files.server.key, "--service-account-signing-key-file", files.server.key,
		"--audit-policy-file", files.auditPolicy, "--audit-log-path", c.auditLog(), "--audit-log-mode", "blocking",
		"--profiling=false"); err != nil {
		return err
	}
	c.Config = c.as("admin", "system:masters")
	c.Config.QPS, c.Config.Burst = 1000, 1000
	if c.Clients, err = kubernetes.NewForConfig(c.Config); err != nil {
		return err
	}
	if err := c.until(ctx, "the apiserver is ready", func(ctx context.Context) error {
		return c.Clients.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return err
	}
	if err := c.run(bin, "kube-controller-manager",
		"--kubeconfig", files.kubeconfig, "--authentication-kubeconfig", files.kubeconfig, "--authorization-kubeconfig", files.kubeconfig,
		"--leader-elect=false", "--secure-port", "0", "--use-service-account-credentials",
		"--service-account-private-key-file", files.server.key, "--root-ca-file", files.ca); err != nil {
		return err
	}
	if err := c.run(bin, "kube-scheduler",
		"--kubeconfig", files.kubeconfig, "--authentication-kubeconfig", files.kubeconfig, "--authorization-kubeconfig", files.kubeconfig,
		"--leader-elect=false", "--secure-port", "0"); err != nil {
		return err
	}
	if err := c.run(bin, "kwok",
		"--kubeconfig", files.kubeconfig, "--config", files.kwok, "--manage-all-nodes",
		"--node-ip", "127.0.0.1", "--node-port", fmt.Sprint(kubelet), "--node-lease-duration-seconds", "40",
		"--server-address", fmt.Sprintf("127.0.0.1:%d", kubelet),
		"--tls-cert-file", files.server.cert, "--tls-private-key-file", files.server.key); err != nil {
		return err
	}
	return c.furnish(ctx)
}

// until asks until there is no error, a process has ended, or the time is up.
func (c *Cluster) until(ctx context.Context, what string, ask func(context.Context) error) error {
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		for _, p := range c.procs {
			if p.ended() {
				return fmt.Errorf("%s has ended: %w", p.name, p.err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it did not come to pass that %s: %w", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Until waits until something about the cluster is true, and fails the test when it does not become so.
func (c *Cluster) Until(t testing.TB, what string, ask func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.until(ctx, what, ask); err != nil {
		t.Fatal(err)
	}
}

// stop ends every process, last started first, and removes what they left.
func (c *Cluster) stop() error {
	var errs []error
	for i := len(c.procs) - 1; i >= 0; i-- {
		errs = append(errs, c.procs[i].end())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}
