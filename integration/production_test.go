package integration

import (
	"context"
	"fmt"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"muster/integration/cluster"
)

// The deployment "api" of production, as it was and as it is: the newest revision crashes.
const (
	goodImage = "registry.example.com/api:1.0"
	badImage  = "registry.example.com/api:1.1" + cluster.Crashing
)

// furnish fills a namespace as production would be on a bad day: a deployment whose newest revision crashes, its
// service, ingress and disruption budget, secrets, and an address that is blocked.
func furnish(t *testing.T, c *cluster.Cluster, ns string) *performing {
	t.Helper()
	deploy(t, c, ns, "api", goodImage)
	labels := map[string]string{"app": "api"}
	for _, name := range []string{"api", "maintenance"} {
		if _, err := c.Clients.CoreV1().Services(ns).Create(t.Context(), &core.Service{
			ObjectMeta: meta.ObjectMeta{Name: name},
			Spec:       core.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []core.ServicePort{{Port: 80}}},
		}, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	prefix := networking.PathTypePrefix
	if _, err := c.Clients.NetworkingV1().Ingresses(ns).Create(t.Context(), &networking.Ingress{
		ObjectMeta: meta.ObjectMeta{Name: "api", Labels: labels},
		Spec: networking.IngressSpec{Rules: []networking.IngressRule{{Host: "api.example.com", IngressRuleValue: networking.IngressRuleValue{
			HTTP: &networking.HTTPIngressRuleValue{Paths: []networking.HTTPIngressPath{{Path: "/", PathType: &prefix, Backend: networking.IngressBackend{
				Service: &networking.IngressServiceBackend{Name: "api", Port: networking.ServiceBackendPort{Number: 80}},
			}}}},
		}}}},
	}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	least := intstr.FromInt32(2)
	if _, err := c.Clients.PolicyV1().PodDisruptionBudgets(ns).Create(t.Context(), &policy.PodDisruptionBudget{
		ObjectMeta: meta.ObjectMeta{Name: "api"},
		Spec:       policy.PodDisruptionBudgetSpec{MinAvailable: &least, Selector: &meta.LabelSelector{MatchLabels: labels}},
	}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"database", "api-keys", "signing-key"} {
		secret := &core.Secret{ObjectMeta: meta.ObjectMeta{Name: name}, StringData: map[string]string{"key": "as it was"}}
		if _, err := c.Clients.CoreV1().Secrets(ns).Create(t.Context(), secret, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Clients.NetworkingV1().NetworkPolicies(ns).Create(t.Context(), &networking.NetworkPolicy{
		ObjectMeta: meta.ObjectMeta{Name: "block-address"},
	}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	setImage(t, c, ns, "api", badImage)
	var crashing string
	c.Until(t, "the new revision crashes", func(ctx context.Context) error {
		pods, err := podsOf(ctx, c, ns, "api")
		if err != nil {
			return err
		}
		for _, pod := range pods {
			if s := pod.Status.ContainerStatuses; len(s) > 0 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == "CrashLoopBackOff" {
				crashing = pod.Name
				return nil
			}
		}
		return fmt.Errorf("none of %d pods does", len(pods))
	})
	c.Measure(t, ns, crashing, "api", "250m", "900Mi")
	return &performing{c: c, ns: ns, values: map[string]string{
		"namespace": ns, "deployment": "api", "service": "api", "app": "api", "ingress": "api", "container": "api", "pod": crashing,
		"address": "203.0.113.0/24", "image": "registry.example.com/api:1.2", "affected-image": "registry.example.com/api",
		"role": "app", "security-team": "manager",
	}}
}

// heal brings the good revision back, past any playbook.
func (f *performing) heal(t *testing.T) {
	t.Helper()
	setImage(t, f.c, f.ns, "api", goodImage)
	settled(t, f.c, f.ns, "api")
}
