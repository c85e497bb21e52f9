package incident

import (
	"slices"
	"time"
)

// maxTurns bounds what a group remembers of its comings and goings.
const maxTurns = 40

// ApplyGroup folds one record into a group of alerts. It is total.
func ApplyGroup(g AlertGroup, r Record) AlertGroup {
	g.Seq = r.Seq
	switch r.Event.(type) {
	case GroupPosted:
	case GroupAnnounced:
		g.Told = r.Seq
	default:
		g.Changed = r.Seq
	}
	switch e := r.Event.(type) {
	case AlertsHeard:
		g = g.heard(e, r.At)
	case GroupAnnounced:
		if e.Episode != g.Episode {
			return g
		}
		g.Class, g.Window = e.Class, ""
		g.Announced = append(slices.Clone(g.Announced), e.Channels...)
		for _, m := range e.Methods {
			g.Pages = append(slices.Clone(g.Pages), GroupPage{Person: e.Person, Method: m, State: PageQueued})
		}
	case GroupPosted:
		if e.Episode == g.Episode {
			g.Posts = append(without(g.Posts, func(p GroupPost) bool { return p.Name == e.Channel }), GroupPost{Name: e.Channel, Spot: e.Spot})
		}
	case GroupPageSettled:
		g.Pages = slices.Clone(g.Pages)
		for i := range g.Pages {
			if p := &g.Pages[i]; p.Person.Is(e.Person) && p.Method == e.Method {
				p.State, p.Reason, p.Ref = e.State, e.Reason, e.Ref
			}
		}
	case GroupAcked:
		g.Ack = Ack{By: e.By, At: r.At, Via: e.Via}
	case GroupSilenced:
		g.Silence, g.Silences = e.Silence, max(g.Silences, e.N)
	case SilenceSettled:
		if e.N == g.Silence.N {
			g.Silence.ID, g.Silence.Failed = e.ID, e.Failed
		}
	case SilenceEnded:
		if e.N == g.Silence.N {
			g.Silence = Silence{}
		}
	case GroupDeclaring:
		g.Declaring = e.Declaring
		g.Declaring.Seq = r.Seq
	case GroupJoined:
		g.Incident, g.JoinedWhy, g.Declaring, g.Refired = e.Incident, e.Why, Declaring{}, time.Time{}
	case GroupInStorm:
		g.Storm = e.Storm
		if g.Declaring.By.Nobody() {
			g.Declaring = Declaring{}
		}
	case GroupHeld:
		g.Window = e.Window
	case GroupFlapping:
		g.Flapping = e.On
	case GroupCharted:
		g.Chart = e.Chart
		g.Chart.At = r.At
	case GroupOver:
		g.Over, g.Flapping = true, false
	case EffectFailed:
		if e.What == EffectKind(OpenIncident{}) {
			g.Declaring, g.Alone = Declaring{}, true
		}
	}
	return g
}

// heard folds what is new about the alerts.
func (g AlertGroup) heard(e AlertsHeard, at time.Time) AlertGroup {
	if e.Episode != g.Episode {
		g = AlertGroup{
			ID: g.ID, Seq: g.Seq, Key: g.Key, Source: g.Source, Receiver: g.Receiver, Episode: e.Episode, Began: at,
			Silence: g.Silence, Silences: g.Silences, Turns: g.Turns, Changed: g.Changed,
		}
	}
	if e.Key != "" {
		g.Key = e.Key
	}
	if e.Source != "" {
		g.Source, g.Receiver = e.Source, e.Receiver
	}
	g.Alerts = slices.Clone(g.Alerts)
	index := make(map[string]int, len(g.Alerts))
	for i, a := range g.Alerts {
		index[a.Fingerprint] = i
	}
	for _, a := range e.Alerts {
		next := GroupAlert{Alert: a, HeardAt: at}
		if !a.Firing {
			next.ResolvedAt = at
		}
		i, known := index[a.Fingerprint]
		if !known {
			index[a.Fingerprint] = len(g.Alerts)
			g.Alerts = append(g.Alerts, next)
			continue
		}
		if g.Alerts[i].StartsAt.Equal(a.StartsAt) && g.Alerts[i].Firing == a.Firing {
			next.HeardAt = g.Alerts[i].HeardAt
		}
		g.Alerts[i] = next
	}
	if e.Turn {
		g.Turns = tail(append(slices.Clone(g.Turns), at), maxTurns)
	}
	switch fires := g.Fires(); {
	case fires:
		g.QuietSince, g.Over = time.Time{}, false
	case g.QuietSince.IsZero():
		g.QuietSince = at
	}
	if e.Again { // somebody has to look again
		g.Ack, g.Pages, g.Refired = Ack{}, nil, at
	}
	return g
}
