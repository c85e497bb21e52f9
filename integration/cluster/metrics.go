package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

//go:embed files/metrics.yaml
var metricsAPI []byte

// Measure gives a pod the usage that kubectl top shows: CPU and memory of one container.
func (c *Cluster) Measure(t testing.TB, namespace, pod, container, cpu, memory string) {
	t.Helper()
	c.Until(t, "the metrics API answers", func(ctx context.Context) error {
		return c.apply(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
			"metadata":  map[string]any{"name": pod, "namespace": namespace},
			"timestamp": time.Now().UTC().Format(time.RFC3339), "window": "30s",
			"containers": []any{map[string]any{"name": container, "usage": map[string]any{"cpu": cpu, "memory": memory}}},
		}}, namespace)
	})
}

// serveMetrics makes the metrics API exist.
func (c *Cluster) serveMetrics(ctx context.Context) error {
	objects, err := parse(metricsAPI)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if err := c.apply(ctx, o, ""); err != nil {
			return fmt.Errorf("make %s: %w", o.GetName(), err)
		}
	}
	return nil
}
