package kube

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"

	"muster/playbooks/run/mask"
)

// Object is something in the cluster that a step touches; see run.Object.
type Object struct {
	Kind            string
	Resource        string
	Namespace       string
	Name            string
	UID             string
	ResourceVersion string
	Version         string
	Verb            string
	Pods            int
}

// key names an object among those of a step.
func (o Object) key() string { return o.Resource + " " + o.Namespace + "/" + o.Name }

// String names it for a person.
func (o Object) String() string {
	name := strings.ToLower(o.Kind)
	if name == "" {
		name = o.Resource
	}
	name += " " + o.Name
	if o.Namespace != "" {
		name += " in " + o.Namespace
	}
	return name
}

// tree of JSON.
type object = map[string]any

func decode(data []byte) (object, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("read the cluster's answer: %w", err)
	}
	return o, nil
}

func copyOf(o object) object {
	data, err := json.Marshal(o)
	if err != nil {
		return nil
	}
	c, err := decode(data)
	if err != nil {
		return nil
	}
	return c
}

func text(o object, path ...string) string {
	s, _ := at(o, path...).(string)
	return s
}

func at(o object, path ...string) any {
	var v any = o
	for _, p := range path {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

func group(o object, path ...string) object {
	m, _ := at(o, path...).(object)
	return m
}

// noise are annotations that the cluster's controllers write by themselves.
var noise = []string{
	"deployment.kubernetes.io/revision", "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
	"deprecated.daemonset.template.generation",
}

// essence is an object without what the cluster writes by itself: two that have the same essence are the same to a
// person who approves a change.
func essence(o object) object {
	c := copyOf(o)
	delete(c, "status")
	if m := group(c, "metadata"); m != nil {
		for _, field := range []string{"managedFields", "resourceVersion", "generation", "selfLink"} {
			delete(m, field)
		}
		if a := group(m, "annotations"); a != nil {
			for _, name := range noise {
				delete(a, name)
			}
			if len(a) == 0 {
				delete(m, "annotations")
			}
		}
	}
	if text(c, "kind") == "Node" {
		nodeEssence(group(c, "spec"))
	}
	return c
}

// nodeEssence drops the taints that follow from a node's state.
func nodeEssence(spec object) {
	taints, _ := spec["taints"].([]any)
	var kept []any
	for _, t := range taints {
		if m, ok := t.(object); ok && strings.HasPrefix(text(m, "key"), "node.kubernetes.io/") {
			continue
		}
		kept = append(kept, t)
	}
	if delete(spec, "taints"); len(kept) > 0 {
		spec["taints"] = kept
	}
}

// versionOf is the digest that an approval is bound to; empty for no object.
func versionOf(o object) string {
	if o == nil {
		return ""
	}
	data, err := json.Marshal(essence(o)) // keys are sorted
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12])
}

// readable is an object for people, as YAML: without noise, without values of secrets.
func readable(o object) string {
	if o == nil {
		return ""
	}
	c := essence(o)
	if m := group(c, "metadata"); m != nil {
		for _, field := range []string{"uid", "creationTimestamp", "ownerReferences", "generateName"} {
			delete(m, field)
		}
		if a := group(m, "annotations"); a != nil {
			delete(a, "kubectl.kubernetes.io/last-applied-configuration")
			if len(a) == 0 {
				delete(m, "annotations")
			}
		}
	}
	if text(c, "kind") == "Secret" {
		hideSecret(c)
	}
	out, err := yaml.Marshal(c)
	if err != nil {
		return ""
	}
	return string(out)
}

// salt makes a mark mean nothing outside of this process.
var salt = rand.Text()

// hideSecret replaces values by a mark that still tells whether two differ.
func hideSecret(shown object) {
	for _, part := range []string{"data", "stringData"} {
		for name, v := range group(shown, part) {
			sum := sha256.Sum256([]byte(salt + fmt.Sprint(v)))
			group(shown, part)[name] = mask.Hidden + " (mark " + hex.EncodeToString(sum[:2]) + ")"
		}
	}
}

// diff is the unified difference of an object before and after; empty: none that a person would see.
func diff(o Object, before, after object) string {
	a, b := readable(before), readable(after)
	if a == b {
		return ""
	}
	d, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: lines(a), B: lines(b), FromFile: side(o, before, "now"), ToFile: side(o, after, "after"), Context: 3,
	})
	if err != nil {
		return ""
	}
	return d
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return difflib.SplitLines(strings.TrimSuffix(s, "\n"))
}

func side(o Object, v object, when string) string {
	if v == nil {
		return "nothing"
	}
	return strings.TrimSpace(o.String() + " " + when)
}
