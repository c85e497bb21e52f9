package kube

import (
	"net/http"
	"strings"
)

// perform sends a changing request, bound to what was approved, and keeps in the journal what undoing it needs.
func (t transport) perform(req *http.Request, to target, body []byte) (*http.Response, error) {
	g := t.gate
	for try := 0; ; try++ {
		o, before, err := t.subject(req, to, body)
		if err != nil {
			return nil, err
		}
		if err := g.asApproved(o); err != nil {
			return nil, g.refuse(err)
		}
		sent, err := bind(req, to, body, before)
		if err != nil {
			return nil, g.refuse(err)
		}
		o.Pods = t.podsOf(req, to, o, before, nil)
		entry := Entry{Object: o, Path: to.path, Before: forJournal(before)}
		if to.name == "" {
			entry.Path += "/" + o.Name
		}
		g.record(entry, false)
		res, got, err := t.roundTrip(req, sent)
		if err != nil {
			return nil, err
		}
		again := moved(req, res.StatusCode, got)
		if !again && res.StatusCode == http.StatusUnprocessableEntity && jsonPatch(req) && before != nil {
			// The server does not say which operation failed: it was ours when the object has another version now.
			now, err := t.get(req, to.path)
			if err != nil {
				return nil, err
			}
			again = now != nil && text(now, "metadata", "resourceVersion") != text(before, "metadata", "resourceVersion")
		}
		if again && try < conflicts {
			g.forget(entry)
			continue // what approval is bound to is looked at again
		}
		if res.StatusCode >= 300 {
			g.forget(entry)
			return res, nil
		}
		after := outcome(to, o, before, got)
		if to.name == "" && o.Name == "" {
			g.forget(entry)
			entry.Object.Name, entry.Path = text(after, "metadata", "name"), to.path+"/"+text(after, "metadata", "name")
			entry.Object.Kind = text(after, "kind")
		}
		if entry.Object.UID == "" {
			entry.Made = text(after, "metadata", "uid")
		}
		entry.After = versionOf(after)
		g.record(entry, true)
		return res, nil
	}
}

func jsonPatch(req *http.Request) bool {
	return req.Method == http.MethodPatch && strings.Contains(req.Header.Get("Content-Type"), "json-patch")
}

// moved tells whether a bound request failed because the object had got another version meanwhile.
func moved(req *http.Request, status int, body []byte) bool {
	if status == http.StatusConflict && req.Method != http.MethodPut && req.Method != http.MethodPost {
		o, err := decode(body)
		return err == nil && text(o, "reason") == "Conflict" && !strings.Contains(text(o, "message"), "Apply failed")
	}
	return status == http.StatusUnprocessableEntity && req.Method == http.MethodPatch &&
		strings.Contains(string(body), "/metadata/resourceVersion")
}

// asApproved compares an object with what the approval saw, or with what this step itself made of it.
func (g *gate) asApproved(o Object) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if own, ok := g.own[o.key()]; ok {
		if own != o.Version {
			return ErrChanged{o.String() + " was changed by something else while the step ran."}
		}
		return nil
	}
	if g.opts.Seen == nil {
		return nil
	}
	for _, seen := range g.opts.Seen {
		if seen.key() != o.key() {
			continue
		}
		switch {
		case seen.Version == o.Version && seen.UID == o.UID:
			return nil
		case seen.Version == "":
			return ErrChanged{o.String() + " exists now; it did not when this was approved."}
		case o.Version == "":
			return ErrChanged{o.String() + " is gone; it was there when this was approved."}
		case seen.UID != o.UID:
			return ErrChanged{o.String() + " was replaced by another of the same name since this was approved."}
		default:
			return ErrChanged{o.String() + " has changed since this was approved."}
		}
	}
	if o.Name == "" {
		return nil // the server makes the name: it cannot have been seen
	}
	return ErrChanged{o.String() + " was not among what was approved."}
}

// record puts an entry into the journal, or fills in how it went, and tells it on before anything is sent.
func (g *gate) record(e Entry, done bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note(e.Object)
	if done {
		g.own[e.Object.key()] = e.After
	}
	found := false
	for i := range g.journal.Entries {
		if have := g.journal.Entries[i]; have.Object.key() == e.Object.key() {
			// The first state and the last are what undo needs.
			e.Before, e.Object, e.Made = have.Before, have.Object, first(have.Made, e.Made)
			if !done {
				e.After = ""
			}
			g.journal.Entries[i], found = e, true
		}
	}
	if !found {
		g.journal.Entries = append(g.journal.Entries, e)
	}
	if g.opts.Journal != nil {
		g.opts.Journal(g.journal.clone(), append([]Object(nil), g.objects...))
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// forget takes an entry back that came to nothing.
func (g *gate) forget(e Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	key := e.Object.key()
	if after, ok := g.own[key]; ok {
		// An earlier request of this step did change it.
		for i := range g.journal.Entries {
			if g.journal.Entries[i].Object.key() == key {
				g.journal.Entries[i].After = after
			}
		}
		return
	}
	for i := range g.journal.Entries {
		if g.journal.Entries[i].Object.key() == key {
			g.journal.Entries = append(g.journal.Entries[:i:i], g.journal.Entries[i+1:]...)
			break
		}
	}
	for i := range g.objects {
		if g.objects[i].key() == key {
			g.objects = append(g.objects[:i:i], g.objects[i+1:]...)
			break
		}
	}
}

// forJournal is an object as undo would put it back. The values of secrets are never kept.
func forJournal(o object) object {
	if o == nil || text(o, "kind") == "Secret" {
		return nil
	}
	c := copyOf(o)
	delete(c, "status")
	if m := group(c, "metadata"); m != nil {
		delete(m, "managedFields")
		delete(m, "selfLink")
	}
	return c
}
