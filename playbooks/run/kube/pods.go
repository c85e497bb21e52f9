package kube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// maxPods is how many pods are listed to count them.
const maxPods = "500"

// podCounter remembers which budgets were looked at.
type podCounter struct {
	mu    sync.Mutex
	told  []string
	lines []string
}

// podsOf says how many pods end or start anew by a change, and notes the budgets that protect them. It is advice: what
// cannot be read is left out.
func (t transport) podsOf(req *http.Request, to target, o Object, before, after object) int {
	switch {
	case o.Kind == "Pod" && (o.Verb == "delete" || o.Verb == "evict"):
		t.budgets(req, to.namespace, group(before, "metadata", "labels"), 1)
		return 1
	case before == nil:
		return 0
	}
	selector := group(before, "spec", "selector")
	template := group(before, "spec", "template")
	if template == nil || selector == nil {
		return 0
	}
	now := t.count(req, to.namespace, selector)
	switch {
	case o.Verb == "delete":
		t.budgets(req, to.namespace, group(template, "metadata", "labels"), now)
		return now
	case after == nil:
		return 0
	case string(marshal(template)) != string(marshal(group(after, "spec", "template"))):
		t.budgets(req, to.namespace, group(template, "metadata", "labels"), now)
		return now
	default:
		from, next := number(at(before, "spec", "replicas")), number(at(after, "spec", "replicas"))
		if next < from {
			t.budgets(req, to.namespace, group(template, "metadata", "labels"), from-next)
		}
		return max(from-next, next-from)
	}
}

func number(v any) int {
	f, _ := v.(float64)
	return int(f)
}

// count is how many pods a selector has now.
func (t transport) count(req *http.Request, namespace string, selector object) int {
	s := selectorString(selector)
	if s == "" {
		return 0
	}
	list, err := t.list(req, "/api/v1/namespaces/"+namespace+"/pods", url.Values{"labelSelector": {s}, "limit": {maxPods}})
	if err != nil {
		return 0
	}
	return len(list)
}

func (t transport) list(like *http.Request, path string, q url.Values) ([]any, error) {
	req := like.Clone(like.Context())
	req.Method, req.Body, req.ContentLength, req.GetBody = http.MethodGet, nil, 0, nil
	u := *like.URL
	// A server behind a prefix keeps it.
	if at := strings.Index(u.Path, "/api"); at > 0 {
		path = u.Path[:at] + path
	}
	u.Path, u.RawPath, u.RawQuery = path, "", q.Encode()
	req.URL = &u
	req.Header.Set("Accept", "application/json")
	req.Header.Del("Content-Type")
	status, body, err := t.send(req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("list %s: %s", path, statusText(body, status))
	}
	o, err := decode(body)
	if err != nil {
		return nil, err
	}
	items, _ := o["items"].([]any)
	return items, nil
}

func selectorString(o object) string {
	var s metav1.LabelSelector
	if err := json.Unmarshal(marshal(o), &s); err != nil {
		return ""
	}
	if len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		return ""
	}
	sel, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return ""
	}
	return sel.String()
}

// budgets notes each PodDisruptionBudget that protects pods with these labels.
func (t transport) budgets(req *http.Request, namespace string, podLabels object, pods int) {
	items, err := t.list(req, "/apis/policy/v1/namespaces/"+namespace+"/poddisruptionbudgets", nil)
	if err != nil {
		t.gate.remark("Disruption budgets could not be read: " + err.Error())
		return
	}
	set := labels.Set{}
	for k, v := range podLabels {
		if s, ok := v.(string); ok {
			set[k] = s
		}
	}
	c := &t.gate.pods
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, item := range items {
		budget, ok := item.(object)
		if !ok {
			continue
		}
		sel, err := labels.Parse(selectorString(group(budget, "spec", "selector")))
		if err != nil || sel.Empty() || !sel.Matches(set) {
			continue
		}
		name := text(budget, "metadata", "name")
		if slices.Contains(c.told, namespace+"/"+name) {
			continue
		}
		c.told = append(c.told, namespace+"/"+name)
		free := number(at(budget, "status", "disruptionsAllowed"))
		line := fmt.Sprintf("Disruption budget %s in %s allows %s to be away now; %s by this.", name, namespace, count(free), count(pods)+" would be")
		if free < pods {
			line += " A rollout keeps its own pace, deleting pods does not ask the budget."
		}
		c.lines = append(c.lines, line)
	}
}

func count(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return strconv.Itoa(n) + " pods"
}
