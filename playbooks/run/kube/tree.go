package kube

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubectl/pkg/cmd/annotate"
	"k8s.io/kubectl/pkg/cmd/apiresources"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/auth"
	"k8s.io/kubectl/pkg/cmd/autoscale"
	"k8s.io/kubectl/pkg/cmd/clusterinfo"
	"k8s.io/kubectl/pkg/cmd/create"
	"k8s.io/kubectl/pkg/cmd/delete"
	"k8s.io/kubectl/pkg/cmd/describe"
	"k8s.io/kubectl/pkg/cmd/drain"
	"k8s.io/kubectl/pkg/cmd/events"
	podexec "k8s.io/kubectl/pkg/cmd/exec"
	"k8s.io/kubectl/pkg/cmd/explain"
	"k8s.io/kubectl/pkg/cmd/expose"
	"k8s.io/kubectl/pkg/cmd/get"
	"k8s.io/kubectl/pkg/cmd/label"
	"k8s.io/kubectl/pkg/cmd/logs"
	"k8s.io/kubectl/pkg/cmd/patch"
	"k8s.io/kubectl/pkg/cmd/rollout"
	"k8s.io/kubectl/pkg/cmd/scale"
	"k8s.io/kubectl/pkg/cmd/set"
	"k8s.io/kubectl/pkg/cmd/taint"
	"k8s.io/kubectl/pkg/cmd/top"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/cmd/wait"

	"muster/playbooks/run/shell"
)

// tree is kubectl for one command.
type tree struct {
	root *cobra.Command
	verb string // the words of rules
	skip string
	// files is how many manifests its flags name.
	files int
}

type factoryMaker func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command

var makers = map[string]factoryMaker{
	"get": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return get.NewCmdGet("kubectl", f, s)
	},
	"describe": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return describe.NewCmdDescribe("kubectl", f, s)
	},
	"logs":   logs.NewCmdLogs,
	"events": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command { return events.NewCmdEvents(f, s) },
	"explain": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return explain.NewCmdExplain("kubectl", f, s)
	},
	"top":     top.NewCmdTop,
	"version": serverVersion,
	"cluster-info": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return clusterinfo.NewCmdClusterInfo(f, s)
	},
	"api-resources": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return apiresources.NewCmdAPIResources(f, s)
	},
	"api-versions": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return apiresources.NewCmdAPIVersions(f, s)
	},
	"auth": auth.NewCmdAuth,
	"wait": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command { return wait.NewCmdWait(f, s) },
	"rollout": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return rollout.NewCmdRollout("kubectl", f, s)
	},
	"scale":     scale.NewCmdScale,
	"autoscale": autoscale.NewCmdAutoscale,
	"patch":     patch.NewCmdPatch,
	"label":     label.NewCmdLabel,
	"annotate": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return annotate.NewCmdAnnotate("kubectl", f, s)
	},
	"taint":    taint.NewCmdTaint,
	"cordon":   drain.NewCmdCordon,
	"uncordon": drain.NewCmdUncordon,
	"drain":    drain.NewCmdDrain,
	"apply": func(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
		return apply.NewCmdApply("kubectl", f, s)
	},
	"delete": delete.NewCmdDelete,
	"expose": expose.NewCmdExposeService,
	"set":    set.NewCmdSet,
	"create": create.NewCmdCreate,
	"exec":   podexec.NewCmdExec,
}

// serverVersion is `kubectl version`: the client is this program, so only the cluster's version says something.
func serverVersion(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	cmd := &cobra.Command{Use: "version", RunE: func(*cobra.Command, []string) error {
		client, err := f.ToDiscoveryClient()
		if err != nil {
			return err
		}
		v, err := client.ServerVersion()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "Server Version: %s\n", v.GitVersion)
		return err
	}}
	cmd.Flags().Bool("client", false, "")
	cmd.Flags().StringP("output", "o", "", "")
	return cmd
}

// build makes the command that the arguments ask for, and refuses verbs and flags that are not on the list before
// anything of it runs.
func (c *Cluster) build(s shell.Streams, args []string) (*tree, []string, error) {
	namespace, args := leading(args)
	if len(args) == 0 {
		return nil, nil, shell.Refusal("kubectl needs a verb, for example: kubectl get pods.")
	}
	name := args[0]
	maker := makers[name]
	if maker == nil {
		if why := others[name]; why != "" {
			return nil, nil, shell.Refusef("kubectl %s is not here. %s", name, why)
		}
		if strings.HasPrefix(name, "-") {
			return nil, nil, shell.Refusef("kubectl's %s is not here: a step can choose a namespace (-n), and no other cluster or person.", flagName(name))
		}
		return nil, nil, shell.Refusef("There is no kubectl %s here.", name)
	}
	if namespace != "" {
		args = append(args[:1:1], append([]string{"--namespace=" + namespace}, args[1:]...)...)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	chosen := ""
	late := &lateGetter{getter: c.getter, namespace: &chosen}
	streams := genericiooptions.IOStreams{In: s.In, Out: s.Out, ErrOut: s.Err}
	// kubectl's exec needs the defaults that its own wrapper fills in.
	cmd := maker(cmdutil.NewFactory(cmdutil.NewMatchVersionFlags(late)), streams)
	root := &cobra.Command{Use: "kubectl", SilenceUsage: true, SilenceErrors: true, CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true}}
	root.PersistentFlags().StringVarP(&chosen, "namespace", "n", "", "the namespace")
	// These four change nothing about what a step may do; kubectl's commands look for the first.
	root.PersistentFlags().Bool("warnings-as-errors", false, "")
	root.PersistentFlags().String("request-timeout", "0", "")
	root.PersistentFlags().Bool("match-server-version", false, "")
	root.PersistentFlags().Bool("disable-compression", false, "")
	root.AddCommand(cmd)
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	t := &tree{root: root}
	leaf, rest, err := root.Find(args)
	if err != nil {
		return nil, nil, shell.Refusef("kubectl %s: %v.", strings.Join(args, " "), err)
	}
	t.verb = strings.TrimPrefix(leaf.CommandPath(), "kubectl ")
	r, ok := rules[t.verb]
	if !ok {
		return nil, nil, shell.Refusef("There is no kubectl %s here.", t.verb)
	}
	given, err := c.check(leaf, t.verb, r, rest)
	if err != nil {
		return nil, nil, err
	}
	t.files = len(given["filename"])
	t.skip = r.skip
	if more := c.added(t.verb, args); len(more) > 0 {
		words := len(strings.Fields(t.verb))
		args = slices.Insert(slices.Clone(args), min(words, len(args)), more...)
	}
	return t, args, nil
}

// leading reads a namespace that stands before the verb.
func leading(args []string) (namespace string, rest []string) {
	for len(args) > 0 {
		switch {
		case (args[0] == "-n" || args[0] == "--namespace") && len(args) > 1:
			namespace, args = args[1], args[2:]
		case strings.HasPrefix(args[0], "--namespace="):
			namespace, args = strings.TrimPrefix(args[0], "--namespace="), args[1:]
		default:
			return namespace, args
		}
	}
	return namespace, args
}

func flagName(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}

// check parses the flags into values that only remember, to see which are given and with what.
func (c *Cluster) check(leaf *cobra.Command, verb string, r rule, args []string) (given map[string][]string, err error) {
	names := strings.Fields(everywhere + " " + r.flags)
	flags := leaf.Flags()
	flags.AddFlagSet(leaf.InheritedFlags())
	seen := pflag.NewFlagSet("look", pflag.ContinueOnError)
	seen.SetOutput(io.Discard)
	seen.SetNormalizeFunc(flags.GetNormalizeFunc())
	given = map[string][]string{}
	flags.VisitAll(func(f *pflag.Flag) {
		look := *f
		look.Value = &looking{name: f.Name, kind: f.Value.Type(), given: given}
		look.Changed = false
		seen.AddFlag(&look)
	})
	if seen.Lookup("help") == nil {
		seen.BoolP("help", "h", false, "")
	}
	if err := seen.Parse(args); err != nil {
		return nil, unknown(verb, err)
	}
	order := make([]string, 0, len(given))
	for name := range given {
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		if !slices.Contains(names, name) && (name != "watch" || verb != "get" && verb != "events") && !(name == "follow" && verb == "logs") {
			return nil, shell.Refusef("kubectl %s --%s is not here.%s", verb, name, instead(name))
		}
		for _, v := range given[name] {
			if name == "follow" {
				if v == "true" {
					return nil, shell.Refusal("kubectl logs cannot follow without end here: use --since or --tail, and watch -n 5 to repeat it.")
				}
				continue
			}
			if wrong := value(verb, name, v); wrong != "" {
				return nil, shell.Refusal(wrong)
			}
			if secretFlags[name] {
				_, secret, _ := strings.Cut(v, "=")
				c.opts.Secret(secret, v)
			}
		}
	}
	if verb == "exec" {
		return given, c.checkExec(seen, given)
	}
	return given, nil
}

func instead(flag string) string {
	switch flag {
	case "kustomize", "from-file", "from-env-file", "patch-file", "cert", "key", "output-directory":
		return " There are no files here."
	case "raw":
		return " Name a resource."
	case "watch", "watch-only", "output-watch-events":
		return " To repeat a command, use watch -n 5 kubectl …"
	case "edit", "interactive":
		return " Nobody sits at a keyboard."
	case "prune", "prune-allowlist":
		return " Name what is to be deleted."
	default:
		return ""
	}
}

func unknown(verb string, err error) error {
	var missing *pflag.NotExistError
	if errors.As(err, &missing) {
		name := missing.GetSpecifiedName()
		dash := "--"
		if missing.GetSpecifiedShortnames() != "" {
			dash = "-"
		}
		return shell.Refusef("kubectl's %s%s is not here: a step can choose a namespace (-n), and no other cluster or person.", dash, name)
	}
	return shell.Refusef("kubectl %s: %v.", verb, err)
}

// looking is a flag's value that only remembers what it was given.
type looking struct {
	name, kind string
	given      map[string][]string
}

func (l *looking) String() string { return "" }
func (l *looking) Set(v string) error {
	if l.kind == "bool" {
		if b, err := strconv.ParseBool(v); err == nil {
			v = strconv.FormatBool(b)
		}
	}
	l.given[l.name] = append(l.given[l.name], v)
	return nil
}
func (l *looking) Type() string { return l.kind }

// checkExec compares the command with exec_allow before the pod is known; the gate does it again with the pod.
func (c *Cluster) checkExec(flags *pflag.FlagSet, given map[string][]string) error {
	args := flags.Args()
	dash := flags.ArgsLenAtDash()
	var command []string
	switch {
	case dash >= 0:
		command = args[dash:]
	case len(args) > 1:
		command = args[1:]
	}
	if len(args) == 0 || len(command) == 0 {
		return shell.Refusal("kubectl exec needs a pod and a command: kubectl exec POD -- COMMAND.")
	}
	namespace := c.namespace
	if n := given["namespace"]; len(n) > 0 {
		namespace = n[len(n)-1]
	}
	where := args[0]
	if dash > 0 {
		where = args[:dash][0]
	}
	if c.opts.Mode == Preview {
		c.gate.mu.Lock()
		c.gate.note(Object{Kind: "Pod", Resource: "pods", Namespace: namespace, Name: where, Verb: "exec"})
		c.gate.mu.Unlock()
	}
	for _, entry := range c.opts.ExecAllow {
		words := strings.Fields(entry)
		if len(words) > 1 && strings.HasSuffix(words[0], ":") && strings.Contains(words[0], "/") {
			words = words[1:]
		}
		if matches(words, command) {
			if c.opts.Mode == Change {
				c.gate.ran(namespace + "/" + where + ": " + strings.Join(command, " "))
			}
			return nil
		}
	}
	return notAllowed(namespace, where, command)
}

// ran notes a command that goes into a pod.
func (g *gate) ran(command string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opts.Mask != nil {
		command = g.opts.Mask(command)
	}
	g.journal.Execs = append(g.journal.Execs, command)
	if g.opts.Journal != nil {
		g.opts.Journal(g.journal.clone(), slices.Clone(g.objects))
	}
}

// added are flags that keep a command from waiting for what a preview does not change, or longer than the step may.
func (c *Cluster) added(verb string, args []string) []string {
	switch verb {
	case "rollout status", "wait":
		for _, a := range args {
			if strings.HasPrefix(a, "--timeout") {
				return nil
			}
		}
		return []string{"--timeout=" + remaining(c.opts.Until).Round(time.Second).String()}
	case "delete":
		if c.opts.Mode == Preview {
			return []string{"--wait=false"}
		}
	case "drain":
		if c.opts.Mode == Preview {
			return []string{"--dry-run=server"}
		}
	}
	return nil
}

// explain tells what Cobra says of a command that it cannot run.
func (t *tree) explain(err error, to io.Writer) error {
	fmt.Fprintf(to, "error: %s\n", strings.TrimSuffix(err.Error(), "\n"))
	return shell.Exit(1)
}

// lateGetter knows its namespace once the flags are parsed.
type lateGetter struct {
	*getter
	namespace *string
}

// ToRawKubeConfigLoader is asked when the command runs.
func (l *lateGetter) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return l.getter.in(*l.namespace).ToRawKubeConfigLoader()
}

// remaining is how long a waiting command may take, a little less than the step.
func remaining(until time.Time) time.Duration {
	if until.IsZero() {
		return time.Minute
	}
	return max(time.Second, time.Until(until)-2*time.Second)
}
