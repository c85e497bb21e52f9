package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Apply puts the objects of YAML files into the cluster, as kubectl apply --server-side does, with fields that the
// server does not know being errors. It gives the objects in the order of the files.
func (c *Cluster) Apply(t testing.TB, files ...string) []*unstructured.Unstructured {
	t.Helper()
	return c.ApplyIn(t, "default", files...)
}

// ApplyIn is Apply where objects that name no namespace go into the given one.
func (c *Cluster) ApplyIn(t testing.TB, namespace string, files ...string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, file := range files {
		objects, err := read(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if err := c.apply(t.Context(), o, namespace); err != nil {
				t.Fatalf("apply %s %s of %s: %v", o.GetKind(), o.GetName(), filepath.Base(file), err)
			}
		}
		all = append(all, objects...)
	}
	return all
}

func (c *Cluster) apply(ctx context.Context, o *unstructured.Unstructured, namespace string) error {
	at, err := c.resource(o, namespace)
	if err != nil {
		return err
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	_, err = at.Patch(ctx, o.GetName(), "application/apply-patch+yaml", data,
		meta.PatchOptions{FieldManager: "integration", Force: &force, FieldValidation: meta.FieldValidationStrict})
	return err
}

// resource is where an object lives.
func (c *Cluster) resource(o *unstructured.Unstructured, namespace string) (dynamic.ResourceInterface, error) {
	client, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		return nil, err
	}
	kind := o.GroupVersionKind()
	mapping, err := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.Clients.Discovery())).RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == "namespace" {
		if o.GetNamespace() == "" {
			o.SetNamespace(namespace)
		}
		return client.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
	}
	return client.Resource(mapping.Resource), nil
}

// read reads the objects of a YAML file.
func read(file string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return all, nil
}

func parse(text []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := documents.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		case len(o.Object) > 0:
			all = append(all, o)
		}
	}
}
