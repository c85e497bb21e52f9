// Package kube gives a step kubectl: kubectl's own commands in this process, of which a list of verbs and flags exist,
// behind a gate that sees every request to the cluster and refuses, tries, binds or records it.
//
// It never reads a kubeconfig or any other file, never starts a credential program, and never follows without end.
package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"muster/playbooks/run/shell"
)

const (
	// requestTimeout bounds one request; kubectl's rollback and describe know no other end.
	requestTimeout = 20 * time.Second
	// The client's own rate is 5 a second, too slow for a describe.
	queriesPerSecond = 50
	queriesAtOnce    = 300
)

// Access is the way into a cluster.
type Access struct {
	Kubeconfig []byte
	Context    string // empty: the current one
	As         string // empty: no impersonation
	AsGroups   []string
	Namespace  string // empty: the kubeconfig's own, else default
}

// Mode is what the gate does with a changing request.
type Mode int

// Modes.
const (
	Read    Mode = iota // refuse it
	Preview             // ask for a dry run
	Change              // let it through, bound and recorded
)

// Options say what a step may do and who hears of it.
type Options struct {
	Access Access
	Mode   Mode
	// ExecAllow are the commands that exec may run.
	ExecAllow []string
	// Seen binds a Change to what was approved; nil: nothing is bound.
	Seen []Object
	// Secret hears values that must not be shown; never nil.
	Secret func(values ...string)
	// Mask takes secrets out of a text that is kept; nil: nothing is taken out.
	Mask func(string) string
	// Journal hears the journal and the objects before each change; nil: nobody listens.
	Journal func(Journal, []Object)
	// Evidence takes a file that was copied out of a pod; nil: nothing is copied.
	Evidence func(name string, data []byte) error
	// Until is when the step's time is over; waiting commands end before it.
	Until time.Time
}

// Cluster is a cluster as one step sees it.
type Cluster struct {
	opts      Options
	gate      *gate
	getter    *getter
	namespace string
	mu        sync.Mutex // one kubectl command is built at a time: its package has global state
}

// Open reads the access and makes the gate. It does not reach the cluster yet.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	config, namespace, err := restConfig(o.Access)
	if err != nil {
		return nil, err
	}
	g := &gate{ctx: ctx, opts: o, own: map[string]string{}}
	config.Wrap(g.wrap)
	return &Cluster{opts: o, gate: g, getter: newGetter(config, namespace), namespace: namespace}, nil
}

// restConfig makes a client's configuration of a kubeconfig that names no file and starts no program.
func restConfig(a Access) (*rest.Config, string, error) {
	if len(a.Kubeconfig) == 0 {
		return nil, "", shell.Refusal("There is no cluster to reach: set KUBECONFIG, or run Muster inside the cluster.")
	}
	raw, err := clientcmd.Load(a.Kubeconfig)
	if err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	if err := whole(raw); err != nil {
		return nil, "", err
	}
	over := &clientcmd.ConfigOverrides{CurrentContext: a.Context}
	client := clientcmd.NewNonInteractiveClientConfig(*raw, a.Context, over, nil)
	config, err := client.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	namespace, _, err := client.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	if a.Namespace != "" {
		namespace = a.Namespace
	}
	config.Timeout = requestTimeout
	config.QPS, config.Burst = queriesPerSecond, queriesAtOnce
	config.UserAgent = "muster"
	config.WarningHandler = rest.NoWarnings{}
	if a.As != "" {
		config.Impersonate = rest.ImpersonationConfig{UserName: a.As, Groups: a.AsGroups}
	}
	return config, namespace, nil
}

// whole refuses a kubeconfig that needs this machine: files, or programs that fetch credentials.
func whole(c *api.Config) error {
	for name, u := range c.AuthInfos {
		switch {
		case u.Exec != nil:
			return shell.Refusef("The kubeconfig's user %q logs in by starting %q, and steps start no programs: give Muster the token of a service account.", name, u.Exec.Command)
		case u.AuthProvider != nil:
			return shell.Refusef("The kubeconfig's user %q logs in by the plug-in %q, which is not here: give Muster the token of a service account.", name, u.AuthProvider.Name)
		case u.ClientCertificate != "" || u.ClientKey != "" || u.TokenFile != "":
			return shell.Refusef("The kubeconfig's user %q names files, which a step cannot read.", name)
		}
	}
	for name, cl := range c.Clusters {
		if cl.CertificateAuthority != "" {
			return shell.Refusef("The kubeconfig's cluster %q names a file, which a step cannot read.", name)
		}
	}
	return nil
}

// getter answers kubectl's questions about the cluster without flags or files.
type getter struct {
	config    *rest.Config
	namespace string
	once      sync.Once
	cached    discovery.CachedDiscoveryInterface
	err       error
}

func newGetter(config *rest.Config, namespace string) *getter {
	return &getter{config: config, namespace: namespace}
}

func (g *getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.config), nil }

func (g *getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	g.once.Do(func() {
		client, err := discovery.NewDiscoveryClientForConfig(rest.CopyConfig(g.config))
		if err != nil {
			g.err = err
			return
		}
		g.cached = memory.NewMemCacheClient(client)
	})
	return g.cached, g.err
}

func (g *getter) ToRESTMapper() (meta.RESTMapper, error) {
	client, err := g.ToDiscoveryClient()
	if err != nil {
		return nil, err
	}
	return restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(client), client, nil), nil
}

func (g *getter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	c := api.NewConfig()
	c.Clusters["here"] = &api.Cluster{Server: g.config.Host}
	c.Contexts["here"] = &api.Context{Cluster: "here", Namespace: g.namespace}
	c.CurrentContext = "here"
	return clientcmd.NewDefaultClientConfig(*c, &clientcmd.ConfigOverrides{})
}

// in gives the same cluster with another default namespace.
func (g *getter) in(namespace string) *getter {
	if namespace == "" || namespace == g.namespace {
		return g
	}
	other := newGetter(g.config, namespace)
	other.once.Do(func() { other.cached, other.err = g.ToDiscoveryClient() })
	return other
}

// fatal is how kubectl's commands end; it is caught in Run.
type fatal struct {
	text string
	code int
}

func init() {
	cmdutil.BehaviorOnFatal(func(text string, code int) { panic(fatal{text, code}) })
}

// Kubectl performs one kubectl command; args[0] is "kubectl".
func (c *Cluster) Kubectl(ctx context.Context, s shell.Streams, args []string) error {
	if err := plain(args); err != nil {
		return err
	}
	if len(args) > 1 && args[1] == "cp" {
		return c.copyOut(ctx, s, args[1:])
	}
	t, rest, err := c.build(s, args[1:])
	if err != nil {
		return err
	}
	if t.skip != "" && c.opts.Mode == Preview {
		fmt.Fprintf(s.Out, "(%s: %s)\n", strings.Join(args, " "), t.skip)
		return nil
	}
	rest, s, release, err := manifest(rest, t.files, s)
	if err != nil {
		return err
	}
	defer release()
	err = execute(ctx, t, rest, s)
	if refused := c.gate.refusal(); refused != nil {
		return shell.End{Err: refused}
	}
	return err
}

// execute runs the command and turns kubectl's ways to end into one.
func execute(ctx context.Context, t *tree, args []string, s shell.Streams) (err error) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case fatal:
			if end.text != "" {
				fmt.Fprintln(s.Err, strings.TrimSuffix(end.text, "\n"))
			}
			if end.code != 0 {
				err = shell.Exit(uint8(min(end.code, 255)))
			}
		case shell.Refusal:
			err = end
		default:
			err = fmt.Errorf("kubectl failed in itself: %v", end)
		}
	}()
	t.root.SetArgs(args)
	t.root.SetIn(s.In)
	t.root.SetOut(s.Out)
	t.root.SetErr(s.Err)
	if _, failed := t.root.ExecuteContextC(ctx); failed != nil {
		return t.explain(failed, s.Err)
	}
	return nil
}

// plain refuses arguments that could be read in two ways.
func plain(args []string) error {
	for _, a := range args {
		if strings.ContainsRune(a, 0) {
			return shell.Refusal("An argument of kubectl holds a zero byte.")
		}
		if len(a) > 1<<20 {
			return shell.Refusal("An argument of kubectl is larger than 1 MiB.")
		}
	}
	if len(args) < 2 {
		return shell.Refusal("kubectl needs a verb, for example: kubectl get pods.")
	}
	return nil
}

// Objects are what the step has touched so far, or would touch.
func (c *Cluster) Objects() []Object {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	return slices.Clone(c.gate.objects)
}
