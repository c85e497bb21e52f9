package kube

import (
	"fmt"
	"net/http"
	"strings"

	"sigs.k8s.io/yaml"

	"muster/playbooks/run/shell"
)

// decodeAny reads an object in JSON or YAML (server-side apply sends YAML).
func decodeAny(body []byte) (object, error) {
	var o object
	if err := yaml.Unmarshal(body, &o); err != nil {
		return nil, fmt.Errorf("read what is to be sent: %w", err)
	}
	return o, nil
}

// preview makes a dry run of a changing request and keeps what would differ.
func (t transport) preview(req *http.Request, to target, body []byte) (*http.Response, error) {
	g := t.gate
	o, before, err := t.subject(req, to, body)
	if err != nil {
		return nil, err
	}
	trial := req.Clone(req.Context())
	q := trial.URL.Query()
	q.Set("dryRun", "All")
	trial.URL.RawQuery = q.Encode()
	if to.sub == "eviction" || req.Method == http.MethodDelete {
		if body, err = withOption(body, to, func(options object) { options["dryRun"] = []any{"All"} }); err != nil {
			return nil, err
		}
	}
	res, got, err := t.roundTrip(trial, body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		g.remark("The cluster refuses: " + statusText(got, res.StatusCode))
		return res, nil
	}
	after := outcome(to, o, before, got)
	if o.Name == "" {
		o.Name = text(after, "metadata", "name") + " (the name will differ)"
	}
	if o.Kind == "" {
		o.Kind = text(after, "kind")
	}
	o.Pods = t.podsOf(req, to, o, before, after)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(o)
	g.journal.Entries = append(g.journal.Entries, Entry{Object: o, Before: forJournal(before)})
	d := diff(o, before, after)
	switch {
	case o.Verb == "evict" || o.Verb == "delete" && o.Kind == "Pod":
		d = fmt.Sprintf("--- %s now\n+++ nothing\n", o)
	case d == "" && o.Verb == "update":
		g.remarks = append(g.remarks, "Nothing would differ in "+o.String()+".")
	}
	if d != "" {
		g.diffs = append(g.diffs, d)
	}
	return res, nil
}

// note keeps an object that is touched, once; mu is held.
func (g *gate) note(o Object) {
	for i, have := range g.objects {
		if have.key() == o.key() {
			g.objects[i].Pods = max(have.Pods, o.Pods)
			return
		}
	}
	g.objects = append(g.objects, o)
}

// outcome is the object as it is after a request that answered with got.
func outcome(to target, o Object, before object, got []byte) object {
	switch {
	case o.Verb == "delete" || o.Verb == "evict":
		return nil
	case to.sub == "scale":
		after := copyOf(before)
		scale, err := decode(got)
		if err != nil || group(after, "spec") == nil {
			return before
		}
		if replicas, ok := group(scale, "spec")["replicas"]; ok {
			group(after, "spec")["replicas"] = replicas
		} else {
			group(after, "spec")["replicas"] = float64(0)
		}
		group(after, "metadata")["resourceVersion"] = text(scale, "metadata", "resourceVersion")
		return after
	default:
		after, err := decode(got)
		if err != nil {
			return nil
		}
		return after
	}
}

// withOption changes the delete options of a DELETE or of an eviction.
func withOption(body []byte, to target, set func(object)) ([]byte, error) {
	o := object{}
	if len(body) > 0 {
		var err error
		if o, err = decodeAny(body); err != nil {
			return nil, err
		}
	}
	options := o
	if to.sub == "eviction" {
		if options = group(o, "deleteOptions"); options == nil {
			options = object{}
			o["deleteOptions"] = options
		}
	} else if text(o, "kind") == "" {
		o["kind"], o["apiVersion"] = "DeleteOptions", "v1"
	}
	set(options)
	return marshal(o), nil
}

// bind makes a request fail in the cluster when the object is not the one that was looked at.
func bind(req *http.Request, to target, body []byte, before object) ([]byte, error) {
	uid, rv := text(before, "metadata", "uid"), text(before, "metadata", "resourceVersion")
	if before == nil {
		return body, nil
	}
	switch {
	case req.Method == http.MethodDelete || to.sub == "eviction":
		return withOption(body, to, func(options object) {
			p := group(options, "preconditions")
			if p == nil {
				p = object{}
				options["preconditions"] = p
			}
			p["uid"] = uid
			if req.Method == http.MethodDelete {
				p["resourceVersion"] = rv
			}
		})
	case req.Method == http.MethodPatch && strings.Contains(req.Header.Get("Content-Type"), "json-patch"):
		var ops []any
		if err := yaml.Unmarshal(body, &ops); err != nil {
			return nil, shell.Refusef("The patch is no list of operations: %v.", err)
		}
		test := object{"op": "test", "path": "/metadata/resourceVersion", "value": rv}
		return marshal(append([]any{test}, ops...)), nil
	case req.Method == http.MethodPatch:
		o, err := decodeAny(body)
		if err != nil {
			return nil, err
		}
		m := group(o, "metadata")
		if m == nil {
			m = object{}
			if o == nil {
				o = object{}
			}
			o["metadata"] = m
		}
		if text(m, "resourceVersion") == "" {
			m["resourceVersion"] = rv
		}
		return marshal(o), nil
	default:
		return body, nil // PUT carries the version that it was made from
	}
}
