package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"muster/config"
	"muster/integration/cluster"
	"muster/playbooks"
	"muster/playbooks/run"
)

// right is something that a rule of RBAC gives: a verb on a resource, with its subresource behind a slash.
type right struct{ verb, resource string }

func (r right) String() string { return r.verb + " " + r.resource }

func rightOf(verb, group, resource, sub string) right {
	if group != "" {
		resource += "." + group
	}
	if sub != "" {
		resource += "/" + sub
	}
	return right{verb, resource}
}

// given are the rights of a ClusterRole.
func given(t *testing.T, c *cluster.Cluster, role string) []right {
	t.Helper()
	r, err := c.Clients.RbacV1().ClusterRoles().Get(t.Context(), role, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var out []right
	for _, rule := range r.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					resource, sub, _ := strings.Cut(resource, "/")
					out = append(out, rightOf(verb, group, resource, sub))
				}
			}
		}
	}
	return out
}

// builtin are the playbooks that the program brings.
func builtin(t *testing.T) []playbooks.Playbook {
	t.Helper()
	cfg, err := config.Load(t.TempDir(), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var out []playbooks.Playbook
	for _, r := range cfg.Runbooks {
		out = append(out, playbooks.Parse(r.File, []byte(r.Text)))
	}
	if len(out) == 0 {
		t.Fatal("the program brings no playbook")
	}
	return out
}

// inCluster is how a Muster in the cluster reaches it.
func inCluster(t *testing.T, c *cluster.Cluster) run.Config {
	t.Helper()
	way, err := run.LoadCluster(c.ServiceAccount(t, "muster", own))
	if err != nil {
		t.Fatal(err)
	}
	reading, changing := way, way
	reading.As, changing.As = reader, operator
	return run.Config{Reading: reading, Changing: changing}
}

// needsCluster tells whether a step speaks to Kubernetes.
func needsCluster(s playbooks.Step) bool {
	return slices.ContainsFunc(s.Commands, func(c playbooks.Command) bool {
		return slices.ContainsFunc(c.Needs, func(n playbooks.Need) bool { return n.Kind == playbooks.NeedCluster })
	})
}

// runs tells whether a step has a kubectl command of a verb.
func runs(s playbooks.Step, verb string) bool {
	return slices.ContainsFunc(s.Commands, func(c playbooks.Command) bool { return c.Tool == "kubectl" && c.Verb == verb })
}

// The rights of deploy/ are exactly those that the built-in playbooks need: every step that speaks to the cluster runs
// with them, from its preview to its undo, and each of them was used.
func TestTheRightsAreWhatTheBuiltInPlaybooksNeed(t *testing.T) {
	c := cluster.Get(t)
	manifests(t, c)
	cfg := inCluster(t, c)
	cfg.ExecAllow = []string{"psql -U postgres -c *", "tar cf - /var/log"}
	runner := run.New(cfg)
	begin := len(c.Requests(t))
	n := 0
	for _, p := range builtin(t) {
		for _, s := range p.Steps() {
			if s.Kind != playbooks.Bash || !s.Runs() || !needsCluster(s) {
				continue
			}
			n++
			t.Run(p.ID+"/"+s.Title, func(t *testing.T) {
				ns := namespace(t, c, fmt.Sprintf("rights-%d", n))
				c.ApplyIn(t, ns, "../deploy/in-a-namespace.yaml")
				if p.ID == "security-incident" {
					c.ApplyIn(t, ns, "../deploy/in-a-namespace-security.yaml")
				}
				f := furnish(t, c, ns)
				if runs(s, "rollout status") {
					f.heal(t)
				}
				from := len(c.Requests(t))
				f.perform(t, runner, s)
				if runs(s, "apply") {
					// Once more where nothing is there yet, and once where something of the step's own is.
					f.values["ingress"] = "not-there"
					f.perform(t, runner, s)
					f.keep = true
					f.perform(t, runner, s)
					f.keep, f.values["address"] = false, "198.51.100.0/24"
					f.perform(t, runner, s)
				}
				for _, r := range c.Requests(t)[from:] {
					// kubectl tries exec over a WebSocket first, which is a get; what it falls back to is a create.
					if r.Code == 403 && r.Subresource != "exec" {
						t.Errorf("%s was refused %s in %q", r.User, rightOf(r.Verb, r.Group, r.Resource, r.Subresource), r.Namespace)
					}
				}
			})
		}
	}
	t.Run("what forms offer", func(t *testing.T) {
		ns := namespace(t, c, "rights-forms")
		c.ApplyIn(t, ns, "../deploy/in-a-namespace.yaml")
		for kind, resource := range offered(builtin(t)) {
			res, err := runner.Do(t.Context(), run.Request{Run: t.Name() + kind, Mode: run.Read, Kind: run.Bash, Code: "kubectl get " + resource + " -o name", Namespace: ns})
			if err != nil || res.Ended != run.Done {
				t.Errorf("the form cannot list %s: %s %s (%v)", resource, res.Ended, res.Output, err)
			}
		}
	})
	used := map[string][]right{}
	for _, r := range c.Requests(t)[begin:] {
		if r.Code != 403 {
			used[r.User] = append(used[r.User], rightOf(r.Verb, r.Group, r.Resource, r.Subresource))
		}
	}
	for role, who := range map[string][]string{"muster-read": {reader, operator}, "muster-read-cluster": {reader, operator}, "muster-change": {operator}, "muster-secure": {operator}} {
		for _, r := range given(t, c, role) {
			if !slices.ContainsFunc(who, func(w string) bool { return slices.Contains(used[w], r) }) {
				t.Errorf("%s gives %q, and no built-in playbook needs it", role, r)
			}
		}
	}
	for _, r := range used[reader] {
		if r.verb != "get" && r.verb != "list" && r.verb != "watch" && !strings.Contains(r.resource, "authorization.k8s.io") {
			t.Errorf("the reader did %s", r)
		}
	}
}

// offered are the resources that forms list for the parameters of playbooks, by the parameters' kinds.
func offered(all []playbooks.Playbook) map[string]string {
	resources := map[playbooks.ParamKind]string{
		playbooks.PodParam: "pods", playbooks.DeploymentParam: "deployments", playbooks.StatefulSetParam: "statefulsets",
		playbooks.NamespaceParam: "namespaces", playbooks.NodeParam: "nodes", playbooks.ServiceParam: "services", playbooks.IngressParam: "ingresses",
	}
	out := map[string]string{}
	for _, p := range all {
		for _, s := range p.Steps() {
			for _, q := range s.Params {
				if r, ok := resources[q.Kind]; ok {
					out[string(q.Kind)] = r
				}
			}
		}
	}
	return out
}

// excused tells whether a step did not come to its end for what only a real node or no cluster has: the simulated nodes
// run no command, and a pod that loses its label is let go by its ReplicaSet, so that it is no more what the step made
// of it.
func excused(s playbooks.Step, res run.Result) bool {
	return (runs(s, "exec") || runs(s, "cp")) && res.Ended == run.Failed || runs(s, "label") && res.Ended == run.Changed
}

// performing runs steps in a furnished namespace.
type performing struct {
	c      *cluster.Cluster
	ns     string
	n      int               // of requests so far
	keep   bool              // leave a change as it is, without undoing it
	values map[string]string // by a parameter's name, then by its kind
}

// value is what a person would fill in.
func (f *performing) value(p playbooks.Param) string {
	for _, key := range []string{p.Name, string(p.Kind)} {
		if v, ok := f.values[key]; ok {
			return v
		}
	}
	return p.Default
}

// perform does with a step what the program does: reads, or previews, changes and takes it back.
func (f *performing) perform(t *testing.T, r *run.Runner, s playbooks.Step) {
	t.Helper()
	values := map[string]string{}
	for _, p := range s.Params {
		values[p.Name] = f.value(p)
	}
	b, err := playbooks.Bind(s, values)
	if err != nil {
		t.Fatal(err)
	}
	do := func(mode run.Mode, more func(*run.Request)) run.Result {
		t.Helper()
		f.n++
		req := run.Request{Run: fmt.Sprintf("%s %d", t.Name(), f.n), Mode: mode, Kind: run.Bash, Code: b.Text, Namespace: f.ns, Limits: run.Limits{Deadline: time.Minute}}
		if more != nil {
			more(&req)
		}
		res, err := r.Do(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Ended != run.Done && !excused(s, res) {
			t.Errorf("%s ended: %s: %s\n%s\n%s", mode, res.Ended, res.Why, b.Text, res.Output)
		}
		return res
	}
	if b.Class == playbooks.Reading {
		do(run.Read, nil)
		return
	}
	seen := do(run.Preview, nil)
	done := do(run.Change, func(r *run.Request) { r.Seen = seen.Touches })
	if done.Undo != nil && !f.keep {
		do(run.Undo, func(r *run.Request) { r.Undo = done.Undo })
	}
}
