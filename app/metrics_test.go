package app

import (
	"testing"
	"time"

	"muster/outbox"
)

// Whatever waits is in a figure, whichever lane it is in.
func TestEveryLaneIsCounted(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	got := byKind(map[outbox.Lane]outbox.Depth{
		outbox.Page: {Waiting: 1}, "meeting file": {Flying: 1}, "notify #a": {Waiting: 2, Oldest: noon}, "notify #b": {Waiting: 1, Oldest: noon.Add(-time.Hour)}, "notify #c": {Waiting: 1},
	})
	for kind, want := range map[string]outbox.Depth{
		"page": {Waiting: 1}, "action": {}, "reply": {}, "chat": {}, "decor": {}, "meeting": {Flying: 1}, "notify": {Waiting: 4, Oldest: noon.Add(-time.Hour)},
	} {
		if depth, ok := got[kind]; !ok || depth != want {
			t.Errorf("%s: %+v, want %+v", kind, depth, want)
		}
	}
	if len(got) != 7 {
		t.Errorf("%+v", got)
	}
}
