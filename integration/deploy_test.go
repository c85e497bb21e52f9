package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	authorization "k8s.io/api/authorization/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"muster/integration/cluster"
)

// The accounts of deploy/accounts.yaml.
const (
	own      = "muster"
	reader   = "system:serviceaccount:muster:muster-reader"
	operator = "system:serviceaccount:muster:muster-operator"
)

// manifests puts deploy/ into the cluster, and its rights into namespaces. They stay until the tests end.
func manifests(t *testing.T, c *cluster.Cluster, namespaces ...string) {
	t.Helper()
	c.Apply(t, "../deploy/namespace.yaml", "../deploy/accounts.yaml", "../deploy/rights.yaml", "../deploy/muster.yaml", "../deploy/network.yaml")
	for _, ns := range namespaces {
		c.ApplyIn(t, ns, "../deploy/in-a-namespace.yaml")
	}
}

// speaking is a client with the token of Muster's pod, as somebody else; empty: as itself.
func speaking(t *testing.T, c *cluster.Cluster, as string) *kubernetes.Clientset {
	t.Helper()
	return client(t, c.ServiceAccount(t, "muster", own), as)
}

func client(t *testing.T, kubeconfig, as string) *kubernetes.Clientset {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if as != "" {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: as}
	}
	out, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The manifests are what a server takes, and the pod is one that a namespace with restricted pods lets in.
func TestTheManifestsApply(t *testing.T) {
	c := cluster.Get(t)
	manifests(t, c)
	c.Until(t, "Muster's pod is let in", func(ctx context.Context) error {
		pods, err := c.Clients.CoreV1().Pods("muster").List(ctx, meta.ListOptions{LabelSelector: "app.kubernetes.io/name=muster"})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 {
			events, err := c.Clients.CoreV1().Events("muster").List(ctx, meta.ListOptions{})
			if err != nil {
				return err
			}
			var said []string
			for _, e := range events.Items {
				said = append(said, e.Message)
			}
			return fmt.Errorf("there are %d pods: %s", len(pods.Items), strings.Join(said, "; "))
		}
		if spec := pods.Items[0].Spec; spec.ServiceAccountName != own || !*spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem {
			return fmt.Errorf("the pod is %v", spec)
		}
		return nil
	})
	service, err := c.Clients.CoreV1().Services("muster").Get(t.Context(), "muster", meta.GetOptions{})
	if err != nil || service.Spec.Ports[0].TargetPort.StrVal != "http" {
		t.Errorf("the service is %v (%v)", service, err)
	}
}

// The pod's own account may speak as the two others and do nothing else of note: who takes its token gets nowhere
// without leaving their names in the audit log.
func TestThePodsAccountCanOnlySpeakAsTheOtherTwo(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "speaks-as")
	manifests(t, c, ns)
	list := func(as string) error {
		_, err := speaking(t, c, as).CoreV1().Pods(ns).List(t.Context(), meta.ListOptions{})
		return err
	}
	for _, as := range []string{reader, operator} {
		if err := list(as); err != nil {
			t.Errorf("as %s: %v", as, err)
		}
	}
	for _, as := range []string{"", "admin", "system:serviceaccount:muster:default", "system:serviceaccount:kube-system:default", "system:kube-controller-manager"} {
		if err := list(as); !kerrors.IsForbidden(err) {
			t.Errorf("as %q, listing pods is not refused: %v", as, err)
		}
	}
	ordinary := rulesOf(t, client(t, c.ServiceAccount(t, "muster", "default"), ""))
	for _, r := range rulesOf(t, speaking(t, c, "")) {
		if slices.Contains(ordinary, r) {
			continue // what every account may
		}
		if want := "[impersonate] [] [serviceaccounts] [muster-reader muster-operator]"; r != want {
			t.Errorf("it may also %s", r)
		}
	}
}

// rulesOf is what somebody may do in the namespace muster.
func rulesOf(t *testing.T, who *kubernetes.Clientset) []string {
	t.Helper()
	review, err := who.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(),
		&authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: "muster"}}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range review.Status.ResourceRules {
		out = append(out, fmt.Sprint(r.Verbs, " ", r.APIGroups, " ", r.Resources, " ", r.ResourceNames))
	}
	return out
}

// Whatever else a cluster offers is refused to both accounts.
func TestWhatStepsMayNotDoIsRefusedByTheCluster(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "may-not")
	elsewhere := namespace(t, c, "not-given")
	manifests(t, c, ns)
	both := []authorization.ResourceAttributes{
		{Verb: "get", Resource: "secrets", Namespace: "muster"},
		{Verb: "list", Resource: "secrets", Namespace: "muster"},
		{Verb: "list", Resource: "secrets", Namespace: ns},
		{Verb: "create", Resource: "pods", Namespace: ns},
		{Verb: "create", Resource: "pods", Subresource: "exec", Namespace: ns},
		{Verb: "create", Resource: "pods", Subresource: "portforward", Namespace: ns},
		{Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "muster"},
		{Verb: "impersonate", Resource: "serviceaccounts", Namespace: "muster"},
		{Verb: "impersonate", Resource: "users"},
		{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings", Namespace: ns},
		{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
		{Verb: "delete", Resource: "namespaces", Name: ns},
		{Verb: "delete", Resource: "nodes", Name: "node-1"},
		{Verb: "patch", Group: "apps", Resource: "statefulsets", Namespace: "muster", Name: "muster"},
		{Verb: "delete", Group: "apps", Resource: "deployments", Namespace: ns},
		{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: elsewhere},
		{Verb: "delete", Resource: "pods", Namespace: elsewhere},
		{Verb: "deletecollection", Resource: "pods", Namespace: ns},
		{Verb: "delete", Resource: "persistentvolumeclaims", Namespace: ns},
	}
	only := []authorization.ResourceAttributes{
		{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: ns},
		{Verb: "update", Group: "apps", Resource: "deployments", Namespace: ns},
		{Verb: "delete", Resource: "pods", Namespace: ns},
	}
	for as, list := range map[string][]authorization.ResourceAttributes{reader: append(slices.Clone(both), only...), operator: both} {
		who := speaking(t, c, as)
		for _, what := range list {
			if may(t, who, what) {
				t.Errorf("%s may %s %s/%s %s in %q", as, what.Verb, what.Group, what.Resource, what.Subresource, what.Namespace)
			}
		}
	}
	for _, what := range only {
		if !may(t, speaking(t, c, operator), what) {
			t.Errorf("the operator may not %s %s", what.Verb, what.Resource)
		}
	}
}

func may(t *testing.T, who *kubernetes.Clientset, what authorization.ResourceAttributes) bool {
	t.Helper()
	answer, err := who.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(),
		&authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{ResourceAttributes: &what}}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status.Allowed
}
