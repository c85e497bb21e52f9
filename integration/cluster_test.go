package integration

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"muster/integration/cluster"
)

// namespace makes one for a test, and takes it away with all that is in it.
func namespace(t *testing.T, c *cluster.Cluster, name string) string {
	t.Helper()
	_, err := c.Clients.CoreV1().Namespaces().Create(t.Context(), &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name}}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.Until(t, "the namespace has its service account", func(ctx context.Context) error {
		_, err := c.Clients.CoreV1().ServiceAccounts(name).Get(ctx, "default", meta.GetOptions{})
		return err
	})
	t.Cleanup(func() {
		if err := c.Clients.CoreV1().Namespaces().Delete(context.Background(), name, meta.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return name
}

// deploy makes a deployment of three pods and waits until the cluster has acted on it.
func deploy(t *testing.T, c *cluster.Cluster, ns, name, image string) {
	t.Helper()
	replicas, labels := int32(3), map[string]string{"app": name}
	_, err := c.Clients.AppsV1().Deployments(ns).Create(t.Context(), &apps.Deployment{
		ObjectMeta: meta.ObjectMeta{Name: name, Labels: labels},
		Spec: apps.DeploymentSpec{
			Replicas: &replicas, Selector: &meta.LabelSelector{MatchLabels: labels},
			Template: core.PodTemplateSpec{
				ObjectMeta: meta.ObjectMeta{Labels: labels},
				Spec:       core.PodSpec{Containers: []core.Container{{Name: name, Image: image}}},
			},
		},
	}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	settled(t, c, ns, name)
}

// setImage changes the image of a deployment's only container.
func setImage(t *testing.T, c *cluster.Cluster, ns, name, image string) {
	t.Helper()
	patch := fmt.Sprintf(`[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": %q}]`, image)
	if _, err := c.Clients.AppsV1().Deployments(ns).Patch(t.Context(), name, types.JSONPatchType, []byte(patch), meta.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func deployment(t *testing.T, c *cluster.Cluster, ns, name string) *apps.Deployment {
	t.Helper()
	d, err := c.Clients.AppsV1().Deployments(ns).Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// settled waits until a deployment's pods are all of its newest kind and ready.
func settled(t *testing.T, c *cluster.Cluster, ns, name string) {
	t.Helper()
	c.Until(t, name+" is rolled out", func(ctx context.Context) error {
		d, err := c.Clients.AppsV1().Deployments(ns).Get(ctx, name, meta.GetOptions{})
		if err != nil {
			return err
		}
		want, s := *d.Spec.Replicas, d.Status
		if s.ObservedGeneration < d.Generation || s.UpdatedReplicas != want || s.ReadyReplicas != want || s.Replicas != want {
			return fmt.Errorf("%d of %d are ready, %d are new", s.ReadyReplicas, want, s.UpdatedReplicas)
		}
		pods, err := podsOf(ctx, c, ns, name)
		if err == nil && len(pods) != int(want) {
			err = fmt.Errorf("there are %d pods, some of them going", len(pods))
		}
		return err
	})
}

// podsOf lists the pods of an app.
func podsOf(ctx context.Context, c *cluster.Cluster, ns, app string) ([]core.Pod, error) {
	list, err := c.Clients.CoreV1().Pods(ns).List(ctx, meta.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// The control plane is a real one: its controllers roll out, its authoriser refuses, its pods crash and log.
func TestTheClusterIsReal(t *testing.T) {
	c := cluster.Get(t)
	version, err := c.Clients.Discovery().ServerVersion()
	if err != nil || version.Minor != "37" {
		t.Fatalf("the apiserver is version %v (%v)", version, err)
	}
	ns := namespace(t, c, "is-real")
	deploy(t, c, ns, "api", "example.com/api:1.0")

	setImage(t, c, ns, "api", "example.com/api:1.1"+cluster.Crashing)
	var crashed string
	c.Until(t, "a pod crashes again and again", func(ctx context.Context) error {
		pods, err := podsOf(ctx, c, ns, "api")
		if err != nil {
			return err
		}
		for _, pod := range pods {
			for _, s := range pod.Status.ContainerStatuses {
				if s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff" && s.RestartCount > 0 {
					crashed = pod.Name
					return nil
				}
			}
		}
		return fmt.Errorf("none of %d does", len(pods))
	})
	for previous, want := range map[bool][]string{false: cluster.PodLog, true: cluster.PreviousLog} {
		stream, err := c.Clients.CoreV1().Pods(ns).GetLogs(crashed, &core.PodLogOptions{Previous: previous}).Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(stream)
		if err != nil || strings.TrimSpace(string(text)) != strings.Join(want, "\n") {
			t.Errorf("the log (previous: %v) is %q (%v)", previous, text, err)
		}
	}

	who, err := clientcmd.BuildConfigFromFlags("", c.User(t, "nobody"))
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := kubernetes.NewForConfig(who)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nobody.CoreV1().Pods(ns).List(t.Context(), meta.ListOptions{}); !kerrors.IsForbidden(err) {
		t.Errorf("somebody without rights lists pods: %v", err)
	}
	seen := false
	for _, r := range c.Requests(t) {
		seen = seen || r == cluster.Request{User: "nobody", Verb: "list", Resource: "pods", Namespace: ns, Code: 403}
	}
	if !seen {
		t.Error("the refusal is not in the audit log")
	}
}
