package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"k8s.io/client-go/rest"

	"muster/playbooks/run/shell"
)

// Journal is what undoing a step needs, in the order of its changes.
type Journal struct {
	Entries []Entry
	// Execs are commands that ran in pods; they cannot be undone.
	Execs []string `json:",omitempty"`
}

// Entry is one object that a step changed.
type Entry struct {
	Object Object
	Path   string // on the API server
	// Before is the object as it was; nil: it did not exist, or its values are not kept (Secret).
	Before object `json:",omitempty"`
	// After is the version that the step made; empty for a deleted object, and when the step ended before it was told.
	After string
	// Made is the UID of an object that the step created.
	Made string `json:",omitempty"`
}

func (j Journal) clone() Journal {
	return Journal{Entries: slices.Clone(j.Entries), Execs: slices.Clone(j.Execs)}
}

// Empty tells whether there is nothing to undo and nothing to say about it.
func (j Journal) Empty() bool { return len(j.Entries) == 0 && len(j.Execs) == 0 }

// existed tells whether the object was there before the step.
func (e Entry) existed() bool { return e.Object.UID != "" }

// controller is the owner that makes a deleted object anew; empty: none.
func (e Entry) controller() string {
	owners, _ := at(e.Before, "metadata", "ownerReferences").([]any)
	for _, o := range owners {
		if m, ok := o.(object); ok && m["controller"] == true {
			return strings.ToLower(text(m, "kind")) + " " + text(m, "name")
		}
	}
	return ""
}

// plan is what undoing one entry does, as a sentence; can is false when it cannot be undone or needs nothing.
func (e Entry) plan() (says string, can bool) {
	o := e.Object
	switch {
	case o.Kind == "Secret" && e.existed():
		return "The former values of " + o.String() + " are not kept, so that it cannot be put back.", false
	case !e.existed():
		return "Deletes " + o.String() + ", which the step created.", true
	case (o.Verb == "delete" || o.Verb == "evict") && e.controller() != "":
		return "Nothing to undo for " + o.String() + ": its " + e.controller() + " makes a new one.", false
	case o.Verb == "delete" || o.Verb == "evict":
		return "Creates " + o.String() + " again as it was.", true
	default:
		return "Puts " + o.String() + " back as it was.", true
	}
}

// Plan says what undoing would do, one sentence a line, and whether there is anything to do.
func (j Journal) Plan() (says string, can bool) {
	var all []string
	for _, e := range slices.Backward(j.Entries) {
		text, does := e.plan()
		all = append(all, text)
		can = can || does
	}
	for _, command := range j.Execs {
		all = append(all, "What ran inside a pod cannot be undone: "+command)
	}
	return strings.Join(all, "\n"), can
}

// Undo puts back what the journal says, the last change first. It writes what it does to out, and ends with
// ErrChanged when an object was changed by something else since: nothing of that object is overwritten. As a trial it
// asks for dry runs only, and shows in the Outcome what would differ.
func Undo(ctx context.Context, a Access, j Journal, trial bool, out io.Writer) (Outcome, error) {
	var o Outcome
	config, _, err := restConfig(a)
	if err != nil {
		return o, err
	}
	c, err := newRaw(config)
	if err != nil {
		return o, err
	}
	c.trial = trial
	for _, e := range slices.Backward(j.Entries) {
		says, can := e.plan()
		if !can {
			fmt.Fprintln(out, says)
			continue
		}
		done, err := c.undo(ctx, e)
		o.Diff = strings.Join(c.diffs, "\n")
		if err != nil {
			return o, err
		}
		if trial {
			done = says
		}
		fmt.Fprintln(out, done)
		object := e.Object
		object.Version, object.ResourceVersion = versionOf(c.now), text(c.now, "metadata", "resourceVersion")
		o.Objects = append(o.Objects, object)
	}
	for _, command := range j.Execs {
		fmt.Fprintln(out, "What ran inside a pod cannot be undone:", command)
	}
	return o, nil
}

func (c *raw) undo(ctx context.Context, e Entry) (string, error) {
	now, err := c.get(ctx, e.Path)
	if err != nil {
		return "", err
	}
	o := e.Object
	if c.now = now; c.trial {
		if d := diff(o, now, e.Before); d != "" {
			c.diffs = append(c.diffs, d)
		}
	}
	switch {
	case !e.existed():
		return c.undoCreated(ctx, e, now)
	case now == nil:
		return c.recreate(ctx, e)
	case text(now, "metadata", "uid") != o.UID:
		return "", ErrChanged{o.String() + " was replaced by another of the same name since; it was left alone."}
	case versionOf(now) == versionOf(e.Before):
		return "Already as it was: " + o.String() + ".", nil
	case o.Verb == "delete" || o.Verb == "evict":
		return "", ErrChanged{o.String() + " is still there and has changed since; it was left alone."}
	case e.After != "" && versionOf(now) != e.After:
		return "", ErrChanged{o.String() + " was changed by something else since; it was left alone."}
	}
	back := copyOf(e.Before)
	m := group(back, "metadata")
	m["resourceVersion"] = text(now, "metadata", "resourceVersion")
	keepNoise(m, group(now, "metadata"))
	status, body, err := c.send(ctx, http.MethodPut, e.Path, back)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusConflict:
		// Only the status moved between our look and our write, or something changed it: look again.
		return c.undo(ctx, e)
	case status >= 300:
		return "", fmt.Errorf("put back %s: %s", o, statusText(body, status))
	}
	after, err := decode(body)
	if err != nil {
		return "", err
	}
	if versionOf(after) != versionOf(e.Before) {
		return "Put back, but the cluster wrote something else than was there before: " + o.String() + ".", nil
	}
	return "Put back as it was: " + o.String() + ".", nil
}

// keepNoise leaves what controllers count by themselves as it is now.
func keepNoise(back, now object) {
	for _, name := range noise {
		if v, ok := group(now, "annotations")[name]; ok {
			if group(back, "annotations") == nil {
				back["annotations"] = object{}
			}
			group(back, "annotations")[name] = v
		}
	}
}

func (c *raw) undoCreated(ctx context.Context, e Entry, now object) (string, error) {
	o := e.Object
	if now == nil {
		return "Already gone: " + o.String() + ".", nil
	}
	uid := text(now, "metadata", "uid")
	switch {
	case e.Made == "" || uid != e.Made:
		return "", ErrChanged{o.String() + " is not the one that the step created; it was left alone."}
	case e.After != "" && versionOf(now) != e.After && text(now, "kind") != "Pod":
		return "", ErrChanged{o.String() + " was changed by something else since; it was left alone."}
	}
	options := object{"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": object{"uid": uid}, "propagationPolicy": "Background"}
	status, body, err := c.send(ctx, http.MethodDelete, e.Path, options)
	if err != nil {
		return "", err
	}
	if status >= 300 && status != http.StatusNotFound {
		return "", fmt.Errorf("delete %s: %s", o, statusText(body, status))
	}
	return "Deleted again: " + o.String() + ".", nil
}

func (c *raw) recreate(ctx context.Context, e Entry) (string, error) {
	o := e.Object
	if o.Verb != "delete" && o.Verb != "evict" {
		return "", ErrChanged{o.String() + " was deleted by something else since; it was left alone."}
	}
	again := copyOf(e.Before)
	m := group(again, "metadata")
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"} {
		delete(m, field)
	}
	if o.Kind == "Pod" {
		delete(group(again, "spec"), "nodeName") // the scheduler finds a place again
	}
	status, body, err := c.send(ctx, http.MethodPost, e.Path[:strings.LastIndexByte(e.Path, '/')], again)
	if err != nil {
		return "", err
	}
	if status >= 300 {
		return "", fmt.Errorf("create %s again: %s", o, statusText(body, status))
	}
	return "Created again as it was: " + o.String() + ".", nil
}

// raw speaks to the API server in JSON.
type raw struct {
	base   string
	client *http.Client
	trial  bool
	now    object   // the object that was last looked at
	diffs  []string // of a trial
}

func newRaw(config *rest.Config) (*raw, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach the cluster: %w", err)
	}
	return &raw{base: strings.TrimSuffix(base.Scheme+"://"+base.Host, "/"), client: client}, nil
}

func (c *raw) get(ctx context.Context, path string) (object, error) {
	status, body, err := c.send(ctx, http.MethodGet, path, nil)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, nil
	case status != http.StatusOK:
		return nil, fmt.Errorf("read %s: %s", path, statusText(body, status))
	}
	return decode(body)
}

func (c *raw) send(ctx context.Context, method, path string, o object) (int, []byte, error) {
	var body io.Reader
	if o != nil {
		body = bytes.NewReader(marshal(o))
	}
	url := c.base + path
	if c.trial && method != http.MethodGet {
		url += "?dryRun=All"
		if method == http.MethodDelete {
			o["dryRun"] = []any{"All"}
			body = bytes.NewReader(marshal(o))
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	if o != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("reach the cluster: %w", err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, got, err
}

// ReadJournal reads a journal as Change returned it.
func ReadJournal(data json.RawMessage) (Journal, error) {
	var j Journal
	if err := json.Unmarshal(data, &j); err != nil {
		return Journal{}, fmt.Errorf("read the journal: %w", err)
	}
	if j.Empty() {
		return Journal{}, shell.Refusal("There is nothing to undo.")
	}
	for _, e := range j.Entries {
		if !strings.HasPrefix(e.Path, "/api") || strings.Contains(e.Path, "..") || strings.ContainsAny(e.Path, "?#") {
			return Journal{}, fmt.Errorf("the journal names an odd place: %q", e.Path)
		}
	}
	return j, nil
}
