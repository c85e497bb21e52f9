package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"muster/incident"
	"muster/outbox"
)

// documentLimits are the limits that an effect which posts a file passes;
// false: it posts none.
func documentLimits(e incident.Effect) ([]outbox.Limit, bool) {
	switch e.(type) {
	case incident.MeetingFile:
		return []outbox.Limit{calling("files.completeUploadExternal")}, true
	case incident.ShowDocument:
		return []outbox.Limit{calling("canvases.create"), posting("in incidents")}, true
	default:
		return nil, false
	}
}

// Share makes one attempt to post files into an incident's thread. A file is
// found again by its name, which no other delivery's file in the thread has.
func (h Handler) Share(ctx context.Context, d outbox.Delivery, maybeSent bool, files ...File) ([]byte, error) {
	s, err := h.b.cfg.Incidents.State(ctx, d.Stream)
	switch {
	case err != nil:
		return nil, outbox.NotSentError{Err: fmt.Errorf("read %s: %w", d.Stream, err)}
	case s.Card.TS == "":
		return nil, outbox.NotSentError{Err: errNoCard}
	}
	if _, err := h.b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: h.b, d: d, maybeSent: maybeSent, s: s}
	for _, f := range files {
		if err := x.share(ctx, f); err != nil {
			return nil, limited(outcome(err))
		}
	}
	return json.Marshal(incident.Receipt{})
}

// share posts a file into the card's thread, unless an attempt before did.
func (x *sending) share(ctx context.Context, f File) error {
	f.Channel, f.Thread = x.s.Card.Channel, x.s.Card.TS
	if x.maybeSent {
		named := func(m Found) bool { return slices.Contains(m.Files, f.Name) }
		if _, ok, err := x.seek(ctx, f.Channel, f.Thread, x.d.At.Add(-skew), named); err != nil || ok {
			return err
		}
	}
	_, err := x.api.UploadFile(ctx, f)
	return err
}

// Document is a post-mortem to be posted.
type Document struct {
	Title string
	// Markdown is the canvas's text; it stands alone, without pictures.
	Markdown string
	// Page goes with the canvas, and Files take the canvas's place where the
	// workspace has none.
	Page  File
	Files []File
}

// Document makes one attempt to post a post-mortem into an incident's thread.
// The message comes last: where it is found, all is done; else each file is
// looked for by its name, which no other delivery's file in the thread has.
// After a failure in the middle a canvas that nothing leads to may stay.
func (h Handler) Document(ctx context.Context, d outbox.Delivery, maybeSent bool, doc Document) ([]byte, error) {
	s, err := h.b.cfg.Incidents.State(ctx, d.Stream)
	switch {
	case err != nil:
		return nil, outbox.NotSentError{Err: fmt.Errorf("read %s: %w", d.Stream, err)}
	case s.Card.TS == "":
		return nil, outbox.PermanentError{Reason: "there is no card whose thread it could go into"}
	}
	me, err := h.b.me(ctx)
	if err != nil {
		return nil, outcome(err)
	}
	x := &sending{Bot: h.b, d: d, maybeSent: maybeSent, s: s, f: h.b.frame()}
	r, err := x.document(ctx, me, doc)
	if err != nil {
		return nil, limited(outcome(err))
	}
	return json.Marshal(incident.Receipt{TS: r.TS})
}

func (x *sending) document(ctx context.Context, me Identity, doc Document) (incident.Receipt, error) {
	if x.maybeSent {
		if m, ok, err := x.find(ctx, x.s.Card.Channel, x.s.Card.TS, x.d.ID, x.d.At.Add(-skew)); err != nil || ok {
			return incident.Receipt{TS: m.TS}, err
		}
	}
	link, files := "", []File{doc.Page}
	id, err := x.api.CreateDocument(ctx, doc.Title, doc.Markdown)
	switch {
	case err == nil:
		if err := x.api.OpenDocument(ctx, id, x.s.Card.Channel); err != nil {
			return incident.Receipt{}, err
		}
		link = me.URL + "docs/" + me.TeamID + "/" + id
	case withoutCanvas(err):
		files = doc.Files
	default:
		return incident.Receipt{}, err
	}
	for _, f := range files {
		if err := x.share(ctx, f); err != nil {
			return incident.Receipt{}, err
		}
	}
	x.maybeSent = false // it was looked for above
	return x.inThread(ctx, x.f.Document(x.s, link))
}

// withoutCanvas tells whether the workspace refuses this canvas, whatever its
// reason; the files say the same.
func withoutCanvas(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.RetryAfter == 0 && e.Status == 0 && !unclear[e.Code]
}
