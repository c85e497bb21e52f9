package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"muster/playbooks/run/shell"
)

const (
	// maxBody bounds what of a changing request or of its answer is read.
	maxBody = 8 << 20
	// conflicts is how often a bound change is sent again because only the object's status had moved.
	conflicts = 8
)

// ErrChanged is a Refusal of its own kind: an object is not as it was approved.
type ErrChanged struct{ Text string }

func (e ErrChanged) Error() string { return e.Text }

// gate sees every request of a step to the cluster.
type gate struct {
	ctx  context.Context
	opts Options

	mu      sync.Mutex
	refused error
	objects []Object
	journal Journal
	diffs   []string
	remarks []string
	own     map[string]string // versions that this step itself made, by object
	pods    podCounter
}

// refuse keeps the first refusal, which ends the step.
func (g *gate) refuse(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refused == nil {
		g.refused = err
	}
	return err
}

func (g *gate) refusal() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

func (g *gate) remark(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Contains(g.remarks, text) {
		g.remarks = append(g.remarks, text)
	}
}

// wrap puts the gate before the connection to the server.
func (g *gate) wrap(next http.RoundTripper) http.RoundTripper { return transport{gate: g, next: next} }

type transport struct {
	gate *gate
	next http.RoundTripper
}

// RoundTrip lets a request through, refuses it, or makes a dry run of it.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	g := t.gate
	if err := g.ctx.Err(); err != nil {
		return nil, context.Cause(g.ctx)
	}
	if err := g.refusal(); err != nil {
		return nil, err
	}
	to, known := parseTarget(req.URL)
	if !known {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			return nil, g.refuse(shell.Refusef("A step cannot send %s %s to the cluster.", req.Method, req.URL.Path))
		}
		return t.next.RoundTrip(req)
	}
	switch to.sub {
	case "exec":
		return t.exec(req, to)
	case "attach", "portforward", "proxy", "token":
		return nil, g.refuse(shell.Refusef("A step cannot use %s of %s %s.", to.sub, to.resourceName(), to.name))
	}
	if strings.HasPrefix(to.sub, "proxy/") {
		return nil, g.refuse(shell.Refusef("A step cannot use the proxy of %s %s.", to.resourceName(), to.name))
	}
	if !changes(req, to) {
		res, err := t.next.RoundTrip(req)
		if err == nil && to.resource == "secrets" && req.URL.Query().Get("watch") == "" {
			err = g.learn(res)
		}
		return res, err
	}
	return t.change(req, to)
}

// learn makes the values of secrets known, so that they are masked wherever they appear.
func (g *gate) learn(res *http.Response) error {
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Type"), "json") {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return err
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if o, err := decode(body); err == nil {
		g.secretsOf(o)
	}
	return nil
}

func (g *gate) secretsOf(o object) {
	items, list := o["items"].([]any)
	if !list {
		items = []any{o}
	}
	for _, item := range items {
		s, ok := item.(object)
		if !ok {
			continue
		}
		for _, v := range group(s, "data") {
			if encoded, ok := v.(string); ok {
				g.opts.Secret(encoded)
			}
		}
		for _, v := range group(s, "stringData") {
			if plain, ok := v.(string); ok {
				g.opts.Secret(plain)
			}
		}
	}
}

// change handles a request that would change something.
func (t transport) change(req *http.Request, to target) (*http.Response, error) {
	g := t.gate
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if to.resource == "secrets" {
		if o, err := decodeAny(body); err == nil {
			g.secretsOf(o)
		}
	}
	trial := req.URL.Query().Has("dryRun") || bytes.Contains(body, []byte(`"dryRun":["All"]`))
	if trial && g.opts.Mode != Preview {
		setBody(req, body)
		return t.next.RoundTrip(req)
	}
	if g.opts.Mode == Read {
		return nil, g.refuse(shell.Refusef("The step was judged as reading, and this would change something: %s %s was not sent.", strings.ToLower(verb(req, to)), strings.TrimSuffix(to.resourceName()+" "+to.name, " ")))
	}
	if to.name == "" && req.Method != http.MethodPost {
		return nil, g.refuse(shell.Refusef("A step cannot change all %s at once: name them.", to.resourceName()))
	}
	if g.opts.Mode == Preview {
		return t.preview(req, to, body)
	}
	return t.perform(req, to, body)
}

// verb is what a request does to its object.
func verb(req *http.Request, to target) string {
	switch {
	case to.sub == "eviction":
		return "evict"
	case req.Method == http.MethodPost:
		return "create"
	case req.Method == http.MethodDelete:
		return "delete"
	default:
		return "update"
	}
}

// subject is the object that a changing request is about, as it is now.
func (t transport) subject(req *http.Request, to target, body []byte) (Object, object, error) {
	o := Object{Resource: to.resourceName(), Namespace: to.namespace, Name: to.name, Verb: verb(req, to)}
	if to.name == "" {
		made, err := decodeAny(body)
		if err != nil {
			return o, nil, err
		}
		o.Name, o.Kind = text(made, "metadata", "name"), text(made, "kind")
		if o.Name == "" {
			return o, nil, nil // the server makes the name
		}
	}
	path := to.path
	if to.name == "" {
		path += "/" + o.Name
	}
	before, err := t.get(req, path)
	if err != nil {
		return o, nil, err
	}
	if before != nil {
		o.Kind, o.UID = text(before, "kind"), text(before, "metadata", "uid")
		o.ResourceVersion, o.Version = text(before, "metadata", "resourceVersion"), versionOf(before)
		if to.resource == "secrets" {
			t.gate.secretsOf(before)
		}
	} else if o.Kind == "" {
		if made, err := decodeAny(body); err == nil {
			o.Kind = text(made, "kind")
		}
	}
	return o, before, nil
}

// get reads an object past the gate; nil: there is none.
func (t transport) get(like *http.Request, path string) (object, error) {
	req := like.Clone(like.Context())
	req.Method, req.Body, req.ContentLength, req.GetBody = http.MethodGet, nil, 0, nil
	u := *like.URL
	u.Path, u.RawPath, u.RawQuery = path, "", ""
	req.URL = &u
	req.Header.Set("Accept", "application/json")
	req.Header.Del("Content-Type")
	status, body, err := t.send(req)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, nil
	case status != http.StatusOK:
		return nil, fmt.Errorf("read %s before changing it: %s", path, statusText(body, status))
	}
	return decode(body)
}

func (t transport) send(req *http.Request) (int, []byte, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, body, err
}

// statusText is the cluster's own words for a refusal.
func statusText(body []byte, code int) string {
	if o, err := decode(body); err == nil && text(o, "message") != "" {
		return text(o, "message")
	}
	return http.StatusText(code)
}

// exec lets a command into a pod when the configuration allows it.
func (t transport) exec(req *http.Request, to target) (*http.Response, error) {
	g := t.gate
	command := req.URL.Query()["command"]
	if !allowed(g.opts.ExecAllow, to.namespace, to.name, command) {
		return nil, g.refuse(notAllowed(to.namespace, to.name, command))
	}
	if g.opts.Mode == Preview {
		return nil, g.refuse(errors.New("exec in a preview"))
	}
	return t.next.RoundTrip(req)
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("the request is larger than 8 MiB")
	}
	return body, err
}

func setBody(req *http.Request, body []byte) {
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
}

// answer is a response made of its parts.
func answer(req *http.Request, like *http.Response, body []byte) *http.Response {
	res := *like
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.ContentLength = int64(len(body))
	res.Request = req
	return &res
}

// roundTrip sends a request with a body of its own and reads the whole answer.
func (t transport) roundTrip(req *http.Request, body []byte) (*http.Response, []byte, error) {
	out := req.Clone(req.Context())
	out.Header.Set("Accept", "application/json")
	setBody(out, body)
	res, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, nil, err
	}
	return answer(req, res, got), got, nil
}

// marshal never fails on what was decoded from JSON.
func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return data
}
