package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"muster/incident"
	"muster/outbox"
)

// documentLimits are the limits that an effect which posts a file passes;
// false: it posts none.
func documentLimits(e incident.Effect) ([]outbox.Limit, bool) {
	switch e.(type) {
	case incident.MeetingFile:
		return []outbox.Limit{calling("files.completeUploadExternal")}, true
	default:
		return nil, false
	}
}

// Share makes one attempt to post files into an incident's thread. A file
// carries nothing by which it could be found again: after an unclear failure it
// is not posted twice.
func (h Handler) Share(ctx context.Context, d outbox.Delivery, maybeSent bool, files ...File) ([]byte, error) {
	s, err := h.b.cfg.Incidents.State(ctx, d.Stream)
	switch {
	case err != nil:
		return nil, outbox.NotSentError{Err: fmt.Errorf("read %s: %w", d.Stream, err)}
	case s.Card.TS == "":
		return nil, outbox.PermanentError{Reason: "there is no card whose thread it could go into"}
	case maybeSent:
		return nil, outbox.PermanentError{Reason: "it is not known whether the file is there"}
	}
	if _, err := h.b.me(ctx); err != nil {
		return nil, outcome(err)
	}
	for _, f := range files {
		f.Channel, f.Thread = s.Card.Channel, s.Card.TS
		if _, err := h.b.api.UploadFile(ctx, f); err != nil {
			return nil, limited(outcome(err))
		}
	}
	return json.Marshal(incident.Receipt{})
}
