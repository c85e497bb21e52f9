package cluster

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Request is something that somebody asked of the apiserver, from its audit log.
type Request struct {
	User, Verb, Group, Resource, Subresource, Namespace, Name string
	Code                                                      int // the HTTP status of the answer
}

func (c *Cluster) auditLog() string { return filepath.Join(c.dir, "audit.log") }

// Requests are those of everybody but the control plane and the administrator, oldest first.
func (c *Cluster) Requests(t testing.TB) []Request {
	t.Helper()
	f, err := os.Open(c.auditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []Request
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb string `json:"verb"`
			User struct {
				Username string `json:"username"`
			} `json:"user"`
			ImpersonatedUser *struct {
				Username string `json:"username"`
			} `json:"impersonatedUser"`
			ObjectRef *struct {
				APIGroup, Resource, Subresource, Namespace, Name string
			} `json:"objectRef"`
			ResponseStatus struct {
				Code int `json:"code"`
			} `json:"responseStatus"`
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatalf("the audit log has %q: %v", lines.Text(), err)
		}
		if event.ObjectRef == nil {
			continue
		}
		r := Request{
			User: event.User.Username, Verb: event.Verb, Group: event.ObjectRef.APIGroup, Resource: event.ObjectRef.Resource,
			Subresource: event.ObjectRef.Subresource, Namespace: event.ObjectRef.Namespace, Name: event.ObjectRef.Name,
			Code: event.ResponseStatus.Code,
		}
		if event.ImpersonatedUser != nil {
			r.User = event.ImpersonatedUser.Username
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
