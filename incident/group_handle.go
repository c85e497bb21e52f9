package incident

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// sameMoment is how long after an end the same firing is still taken for a
	// straggler: the other one of two senders that tell the same.
	sameMoment = time.Minute
	// longAgo is when an alert that was never heard to fire ended too long ago
	// to be told.
	longAgo = 15 * time.Minute
	// hearAtOnce bounds the alerts of one record.
	hearAtOnce = 100
	// MaxSilence is the longest silence.
	MaxSilence = 30 * 24 * time.Hour
)

// HandleGroup turns what was said about a group of alerts into facts. What is
// known already gives none.
func HandleGroup(g AlertGroup, in Intent, now time.Time) ([]Event, error) {
	switch in := in.(type) {
	case HearAlerts:
		return hear(g, in, now), nil
	case Wake:
		return nil, nil
	case Settled:
		if !g.Exists() {
			return nil, nil
		}
		return groupSettled(g, in), nil
	}
	if !g.Exists() {
		return nil, Refusal{"unknown", "There are no such alerts.", "See /incident alerts."}
	}
	switch in := in.(type) {
	case AckAlerts:
		switch {
		case g.Ack.By.Is(in.By):
			return nil, nil
		case !g.Fires():
			return nil, Refusal{"resolved", "These alerts are resolved already.", ""}
		}
		return one(GroupAcked(in))
	case SilenceAlerts:
		return silence(g, in, now)
	case EndSilence:
		if g.Silence.N == 0 {
			return nil, nil
		}
		return one(SilenceEnded{N: g.Silence.N, By: in.By, ID: g.Silence.ID, Early: g.Silence.Remote})
	case DeclareAlerts:
		if g.Incident != "" || g.Declaring.Seq != 0 {
			return nil, nil
		}
		d := Declaring{By: in.By, Title: in.Title, Severity: g.Worst().Declares(), Service: g.Service(), Why: "declared from alerts"}
		if in.Chosen {
			d.Severity = in.Severity
		}
		if d.Title == "" {
			d.Title = g.Title()
		}
		d.Impact = g.Lead().Description
		return one(GroupDeclaring{d})
	case JoinAlerts:
		if in.Incident == "" || g.Incident == in.Incident {
			return nil, nil
		}
		return one(GroupJoined{Incident: in.Incident, By: in.By, Why: in.Why, From: g.Incident})
	}
	return nil, fmt.Errorf("handle %T: a group of alerts does not know it", in)
}

func silence(g AlertGroup, in SilenceAlerts, now time.Time) ([]Event, error) {
	if in.UntilResolved {
		in.For = MaxSilence
	}
	switch {
	case in.For <= 0:
		return nil, Refusal{"no_time", "A silence needs a time.", "For example: alert silence 4h"}
	case in.For > MaxSilence:
		return nil, Refusal{"too_long", "A silence lasts at most 30 days.", "For example: alert silence 24h"}
	case !g.Fires():
		return nil, Refusal{"resolved", "These alerts are resolved already.", "There is nothing to silence."}
	}
	var out []Event
	if old := g.Silence; old.N > 0 {
		out = append(out, SilenceEnded{N: old.N, By: in.By, ID: old.ID, Early: old.Remote, Why: "a new silence"})
	}
	return append(out, GroupSilenced{Silence{
		N: g.Silences + 1, By: in.By, At: now, Until: now.Add(in.For), UntilResolved: in.UntilResolved,
		Remote: in.Remote && g.Source == FromAlertmanager,
	}}), nil
}

// hear finds what is new in what a source told.
func hear(g AlertGroup, in HearAlerts, now time.Time) []Event {
	fires := g.Fires()
	starts := false // the batch has an alert that fires and did not
	known := make(map[string]GroupAlert, len(g.Alerts))
	for _, a := range g.Alerts {
		known[a.Fingerprint] = a
	}
	var fresh []Alert
	turn := false
	began := func(a Alert) bool {
		cur, was := known[a.Fingerprint]
		return a.Firing && (!was || !cur.Firing)
	}
	newest := make(map[string]time.Time, len(in.Alerts))
	for _, a := range in.Alerts {
		if a.StartsAt.After(newest[a.Fingerprint]) {
			newest[a.Fingerprint] = a.StartsAt
		}
	}
	for _, a := range in.Alerts {
		cur, was := known[a.Fingerprint]
		past := !ordered(a) && a.StartsAt.Before(newest[a.Fingerprint]) // the same request tells of a later firing
		if past || !news(cur, was, a, now) {
			continue
		}
		starts = starts || began(a)
		turn = turn || was && cur.Firing != a.Firing
		fresh = append(fresh, a)
		next := GroupAlert{Alert: a, HeardAt: now}
		if !a.Firing {
			next.ResolvedAt = now
		}
		known[a.Fingerprint] = next
	}
	opens := starts && !fires && (g.Episode == 0 || g.Over)
	unheard := !starts && (g.Episode == 0 || g.Over) // ends of what was never told, or is long over
	if len(fresh) == 0 || unheard && !slices.ContainsFunc(fresh, ordered) {
		return nil
	}
	e := AlertsHeard{Key: in.Key, Source: in.Source, Receiver: in.Receiver, Episode: g.Episode, Turn: turn && !opens}
	if opens {
		e.Episode++
	}
	e.Again = starts && !fires && !opens
	var out []Event
	for len(fresh) > 0 {
		n := min(len(fresh), hearAtOnce)
		part := e
		part.Alerts, fresh = fresh[:n], fresh[n:]
		out = append(out, part)
		e.Again, e.Turn = false, false
	}
	if unheard { // what is kept is that the beginning, should it still come, is past
		out = append(out, GroupOver{})
	}
	return out
}

// ordered tells whether the source says when each of its tellings was so.
func ordered(a Alert) bool { return !a.ToldAt.IsZero() }

// news tells whether an alert says anything that is not known.
func news(cur GroupAlert, known bool, a Alert, now time.Time) bool {
	switch {
	case !known && a.Firing:
		return true
	case !known:
		return ordered(a) || a.EndsAt.IsZero() || now.Sub(a.EndsAt) < longAgo
	case ordered(a) && !a.ToldAt.After(cur.ToldAt):
		return false // overtaken, or told again
	case ordered(a) && a.Firing != cur.Firing:
		return true
	case a.StartsAt.Before(cur.StartsAt):
		return false // of an earlier firing
	case a.StartsAt.After(cur.StartsAt):
		return a.Firing || cur.Firing || now.Sub(a.EndsAt) < longAgo
	case a.Firing && !cur.Firing:
		return cur.StartsAt.IsZero() || now.Sub(cur.ResolvedAt) >= sameMoment
	case !a.Firing:
		return cur.Firing
	default:
		return !sameWords(cur.Alert, a)
	}
}

// sameWords tells whether two tellings of one firing read alike.
func sameWords(a, b Alert) bool {
	return a.Name == b.Name && a.Severity == b.Severity && a.Summary == b.Summary && a.Description == b.Description && a.Service == b.Service &&
		a.Links == b.Links && a.Expr == b.Expr && maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations)
}

// groupSettled records what came of a group's effect.
func groupSettled(g AlertGroup, in Settled) []Event {
	failed := in.State == PageFailed
	switch e := in.Effect.(type) {
	case AlertPost:
		if in.State == PageDelivered && in.Receipt.Channel != "" && e.Episode == g.Episode {
			return []Event{GroupPosted{Episode: e.Episode, Channel: e.Channel.Name, Spot: Spot{Channel: in.Receipt.Channel, TS: in.Receipt.TS}}}
		}
	case AlertPage:
		return []Event{GroupPageSettled{Person: e.Person, Method: e.Method, State: in.State, Reason: in.Reason, Ref: in.Receipt.ref()}}
	case OpenIncident:
		if in.State == PageDelivered && in.Receipt.Ref != "" && g.Incident == "" {
			why := g.Declaring.Why
			if in.Receipt.Name != "" {
				why = in.Receipt.Name
			}
			return []Event{GroupJoined{Incident: in.Receipt.Ref, By: g.Declaring.By, Why: why}}
		}
	case AlertSilence:
		switch {
		case failed:
			return []Event{SilenceSettled{N: e.N, Failed: in.Reason}}
		case in.State == PageDelivered:
			return []Event{SilenceSettled{N: e.N, ID: in.Receipt.Ref}}
		}
		return nil
	case AlertChart:
		if in.State == PageDelivered && in.Receipt.Ref != "" && e.Episode == g.Episode {
			return []Event{GroupCharted{Chart{File: in.Receipt.Ref, Link: in.Receipt.Name}}}
		}
		return nil
	case AlertRefresh, AlertThread, AlertOperations:
		return nil // nobody waits for them
	}
	if failed {
		return []Event{EffectFailed{What: EffectKind(in.Effect), Reason: in.Reason}}
	}
	return nil
}
