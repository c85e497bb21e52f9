package commands

import (
	"strings"
	"time"

	"muster/incident"
)

// watchLine is Line for the look-out after a resolution. A look says something
// only when people were told.
func watchLine(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.WatchBegan:
		if e.Blind != "" {
			return Say("No machine watches whether it comes back: ", e.Blind)
		}
		return Say("Watching ", watched(e.Queries), " until ", e.Until)
	case incident.Watched:
		switch {
		case !e.Said:
			return nil
		case e.Verdict == incident.WatchOver:
			return Say("It comes back: ", e.Reason)
		case e.Verdict == incident.WatchAway:
			return Say("The watch sees nothing: ", e.Reason)
		default:
			return Say("The watch sees nothing over a limit any more")
		}
	case incident.WatchEnded:
		return Say(strings.TrimSuffix(e.Outcome(func(t time.Time) string { return t.UTC().Format("15:04 UTC") }), "."), late(e.Late))
	default:
		return nil
	}
}

func watched(queries []incident.WatchQuery) string {
	names := make([]string, len(queries))
	for i, q := range queries {
		names[i] = q.Name
	}
	return strings.Join(names, ", ")
}
