package kube

import (
	"net/http"
	"net/url"
	"strings"
)

// target is what a request to the API server speaks of.
type target struct {
	path      string // of the object or collection, without the subresource
	group     string
	version   string
	namespace string
	resource  string
	name      string // empty: a collection
	sub       string // empty: the object itself
}

// parseTarget reads /api/v1/namespaces/ns/pods/name/sub and its relatives; ok is false for other paths (discovery,
// health, OpenAPI).
func parseTarget(u *url.URL) (target, bool) {
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	var t target
	// A server behind a prefix (a gateway) has more in front.
	for len(parts) > 0 && parts[0] != "api" && parts[0] != "apis" {
		parts = parts[1:]
	}
	prefix := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), strings.Join(parts, "/"))
	used := 0
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		t.version, used = parts[1], 2
	case len(parts) >= 4 && parts[0] == "apis":
		t.group, t.version, used = parts[1], parts[2], 3
	default:
		return target{}, false
	}
	rest := parts[used:]
	if len(rest) >= 3 && rest[0] == "namespaces" && rest[2] != "status" && rest[2] != "finalize" {
		t.namespace = rest[1]
		rest, used = rest[2:], used+2
	}
	t.resource = rest[0]
	used++
	if len(rest) > 1 {
		t.name = rest[1]
		used++
	}
	if len(rest) > 2 {
		t.sub = strings.Join(rest[2:], "/")
	}
	t.path = prefix + strings.Join(parts[:used], "/")
	return t, true
}

// resourceName is "deployments.apps", or "pods" for the core group.
func (t target) resourceName() string {
	if t.group == "" {
		return t.resource
	}
	return t.resource + "." + t.group
}

// asking are resources that are created to ask a question.
var asking = []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}

// changes tells whether a request changes something.
func changes(req *http.Request, t target) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	for _, a := range asking {
		if t.resource == a {
			return false
		}
	}
	return true
}
