package incident

// EffectsGroup says what the outside must be told because of one record of a
// group of alerts.
func EffectsGroup(g AlertGroup, r Record) []Effect {
	switch e := r.Event.(type) {
	case AlertsHeard:
		out := g.refresh()
		switch {
		case e.Again && !g.Flapping && g.loud():
			out = append(out, g.thread(r, true)...)
		case !g.Fires() && g.QuietSince.Equal(r.At) && g.loud() && !g.Flapping:
			out = append(out, g.thread(r, false)...)
		}
		return append(out, g.inform()...)
	case GroupAnnounced:
		var out []Effect
		for _, m := range e.Methods {
			out = append(out, AlertPage{Person: e.Person, Method: m, Episode: e.Episode})
		}
		for _, c := range e.Channels {
			if c.Name == "" {
				out = append(out, AlertMail{Channel: c, Episode: e.Episode})
				continue
			}
			out = append(out, AlertPost{Channel: c, Episode: e.Episode})
		}
		return out
	case GroupPosted:
		out := g.inform()
		if g.Changed > g.Told { // what changed while it was posted is shown now
			out = append(out, g.refresh()...)
		}
		if len(g.Posts) == 1 && g.charts() {
			out = append(out, AlertChart{Episode: g.Episode})
		}
		return out
	case GroupPageSettled:
		if e.State == PageFailed || e.State == PageLate {
			return append(g.refresh(), AlertOperations{Seq: r.Seq})
		}
		return nil
	case GroupAcked, GroupHeld, GroupCharted:
		return g.refresh()
	case GroupFlapping:
		if e.On {
			return append(g.refresh(), g.thread(r, false)...)
		}
		return g.refresh()
	case GroupInStorm:
		return append(g.refresh(), g.inform()...)
	case GroupSilenced:
		out := append(g.refresh(), g.inform()...)
		if e.Remote {
			out = append(out, AlertSilence{N: e.N})
		}
		return out
	case SilenceSettled:
		out := g.refresh()
		if e.Failed != "" {
			return append(out, AlertOperations{Seq: r.Seq})
		}
		if g.Silence.N != e.N && e.ID != "" { // it was ended before the source had it
			out = append(out, AlertUnsilence{N: e.N, ID: e.ID})
		}
		return out
	case SilenceEnded:
		out := append(g.refresh(), g.inform()...)
		if e.Early && e.ID != "" {
			out = append(out, AlertUnsilence{N: e.N, ID: e.ID})
		}
		if e.By.Nobody() && g.Fires() && g.loud() {
			out = append(out, g.thread(r, true)...)
		}
		return out
	case GroupDeclaring:
		return []Effect{OpenIncident{Seq: r.Seq}}
	case GroupJoined:
		out := append(g.refresh(), g.inform()...)
		if e.From != "" && e.From != g.Incident {
			out = append(out, Inform{Incident: e.From})
		}
		if e.Merge {
			out = append(out, Fold{Incident: e.From, Into: e.Incident})
		}
		return out
	case EffectFailed:
		return []Effect{AlertOperations{Seq: r.Seq}}
	default:
		return nil
	}
}

func (g AlertGroup) refresh() []Effect {
	if len(g.Posts) == 0 {
		return nil
	}
	return []Effect{AlertRefresh{}}
}

func (g AlertGroup) inform() []Effect {
	if g.Incident == "" {
		return nil
	}
	return []Effect{Inform{Incident: g.Incident}}
}

// loud tells whether people are to hear of the group in its channels.
func (g AlertGroup) loud() bool { return !g.Quieted() && g.Storm == 0 && g.Window == "" }

func (g AlertGroup) charts() bool {
	for _, a := range g.Alerts {
		if a.Expr != "" {
			return true
		}
	}
	return false
}

// thread says a record below the group's messages.
func (g AlertGroup) thread(r Record, also bool) []Effect {
	var out []Effect
	for _, c := range g.Announced {
		if c.Name == "" {
			continue
		}
		e := AlertThread{Seq: r.Seq, Channel: c.Name, Also: also}
		if also {
			e.Mention = c.Mention
		}
		out = append(out, e)
	}
	return out
}

// RelevantGroup tells whether an effect of a group still matters.
func RelevantGroup(g AlertGroup, e Effect) (reason string, ok bool) {
	switch e := e.(type) {
	case AlertPost:
		return g.stillTold(e.Episode)
	case AlertMail:
		return g.stillTold(e.Episode)
	case AlertChart:
		return g.stillTold(e.Episode)
	case AlertThread:
		if g.Storm != 0 {
			return inStorm, false
		}
	case AlertPage:
		if reason, ok := g.stillTold(e.Episode); !ok {
			return reason, false
		}
		switch {
		case !g.Fires():
			return "the alerts are resolved", false
		case !g.Ack.By.Nobody():
			return g.Ack.By.String() + " has acknowledged", false
		case g.Quieted():
			return "the alerts are silenced", false
		case g.Incident != "":
			return g.Incident + " pages", false
		}
	case OpenIncident:
		switch {
		case g.Incident != "":
			return "the alerts belong to " + g.Incident, false
		case g.Declaring.Seq != e.Seq:
			return "no incident is wanted any more", false
		}
	}
	return "", true
}

const inStorm = "the alerts are part of a storm"

func (g AlertGroup) stillTold(episode int) (string, bool) {
	switch {
	case g.Episode != episode:
		return "the alerts fire anew", false
	case g.Over:
		return "the alerts are long resolved", false
	case g.Storm != 0:
		return inStorm, false
	}
	return "", true
}
