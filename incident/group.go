package incident

import (
	"slices"
	"strings"
	"time"
)

// AlertGroup is what was heard of the alerts that belong together, and what
// became of them. It has one stream for good; each time that it fires anew
// after a while of quiet begins an episode, with a message of its own. Like
// Incident it is a value that ApplyGroup never changes.
type AlertGroup struct {
	ID  string `json:"id,omitempty"`
	Seq uint64 `json:"seq,omitempty"`
	// Key names the group for its source.
	Key      string `json:"key,omitempty"`
	Source   string `json:"source,omitempty"`
	Receiver string `json:"receiver,omitempty"`

	// Episode counts from 1; Began is when the present one began to fire,
	// QuietSince when its last alert was resolved; zero: it fires.
	Episode    int          `json:"episode,omitempty"`
	Began      time.Time    `json:"began,omitzero"`
	QuietSince time.Time    `json:"quiet_since,omitzero"`
	Over       bool         `json:"over,omitempty"`
	Alerts     []GroupAlert `json:"alerts,omitempty"` // of this episode, one for each fingerprint

	Ack     Ack     `json:"ack,omitzero"`
	Silence Silence `json:"silence,omitzero"`
	// Silences counts those that were made.
	Silences int `json:"silences,omitempty"`
	// Declaring is set while an incident is being declared from the group.
	Declaring Declaring `json:"declaring,omitzero"`
	// Incident is the one that the group belongs to; empty: none.
	Incident  string `json:"incident,omitempty"`
	JoinedWhy string `json:"joined_why,omitempty"`
	// Refired is when the group fired again since it joined; zero: it did not.
	Refired time.Time `json:"refired,omitzero"`
	// Alone is set when a person took the group out of its incident's reach:
	// no rule joins it or declares for it in this episode.
	Alone bool `json:"alone,omitempty"`
	// Storm is the number of the storm that the group is part of; 0: none.
	Storm int `json:"storm,omitempty"`
	// Window is the maintenance window that holds the group back; empty: none.
	Window string `json:"window,omitempty"`

	// Told is the record that announced the group last, Changed the last one
	// that its message shows beside.
	Told    uint64 `json:"told,omitempty"`
	Changed uint64 `json:"changed,omitempty"`

	Announced []Channel   `json:"announced,omitempty"`
	Class     Class       `json:"class,omitempty"` // the worst that was announced
	Posts     []GroupPost `json:"posts,omitempty"`
	Pages     []GroupPage `json:"pages,omitempty"`
	Turns     []time.Time `json:"turns,omitempty"` // when alerts began or ended, newest last
	Flapping  bool        `json:"flapping,omitempty"`
	Chart     Chart       `json:"chart,omitzero"`
}

// GroupAlert is an alert as the group knows it.
type GroupAlert struct {
	Alert
	HeardAt time.Time `json:"heard_at"`
	// ResolvedAt is when it was heard to be over; zero: it fires.
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
}

// GroupPost is where the message of the episode stands.
type GroupPost struct {
	Name string `json:"name"` // the channel as it is configured
	Spot Spot   `json:"spot"`
}

// GroupPage is a person who was paged for the group over one method.
type GroupPage struct {
	Person Person    `json:"person"`
	Method string    `json:"method"`
	State  PageState `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Ref    string    `json:"ref,omitempty"`
}

// Chart is a picture of the alert's expression, uploaded to Slack.
type Chart struct {
	File string    `json:"file,omitempty"` // empty: none
	Link string    `json:"link,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// Silence is that a group is not to be heard for a while.
type Silence struct {
	N     int       `json:"n,omitempty"` // counts from 1; 0: there is none
	By    Person    `json:"by,omitzero"`
	At    time.Time `json:"at,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// UntilResolved ends it with the alerts; Until is the latest end then.
	UntilResolved bool `json:"until_resolved,omitempty"`
	// Remote is set when the source is to keep it too; ID is its name there.
	Remote bool   `json:"remote,omitempty"`
	ID     string `json:"id,omitempty"`
	// Failed says why the source did not take it; empty: it did, or was not asked.
	Failed string `json:"failed,omitempty"`
}

// Declaring is an incident on its way. The zero value: none.
type Declaring struct {
	Seq      uint64   `json:"seq,omitempty"`
	By       Person   `json:"by,omitzero"` // nobody: a rule
	Title    string   `json:"title,omitempty"`
	Severity Severity `json:"severity"`
	Service  string   `json:"service,omitempty"`
	Impact   string   `json:"impact,omitempty"`
	Why      string   `json:"why,omitempty"`
}

// Exists tells whether anything was heard of the group.
func (g AlertGroup) Exists() bool { return g.Seq > 0 }

// Live tells whether the group's clocks run.
func (g AlertGroup) Live() bool { return g.Exists() && (!g.Over || g.Silence.N > 0) }

// Firing are the alerts that fire.
func (g AlertGroup) Firing() []GroupAlert {
	var out []GroupAlert
	for _, a := range g.Alerts {
		if a.Firing {
			out = append(out, a)
		}
	}
	return out
}

// Fires tells whether any alert fires.
func (g AlertGroup) Fires() bool {
	return slices.ContainsFunc(g.Alerts, func(a GroupAlert) bool { return a.Firing })
}

// Worst is the worst class among the alerts that fire, else among all.
func (g AlertGroup) Worst() Class {
	list := g.Firing()
	if len(list) == 0 {
		list = g.Alerts
	}
	worst := Info
	for _, a := range list {
		if c := a.Class(); c.Worse(worst) {
			worst = c
		}
	}
	return worst
}

// Lead is the alert that speaks for the group: the first of the worst class
// that fires, else of all. The zero alert: there is none.
func (g AlertGroup) Lead() Alert {
	list := g.Firing()
	if len(list) == 0 {
		list = g.Alerts
	}
	worst := g.Worst()
	for _, a := range list {
		if a.Class() == worst {
			return a.Alert
		}
	}
	return Alert{}
}

// Title is the group in a few words: the lead's summary, else its name.
func (g AlertGroup) Title() string {
	lead := g.Lead()
	if lead.Summary != "" {
		return lead.Summary
	}
	if lead.Name != "" {
		return lead.Name
	}
	return g.ID
}

// Names are the names of the alerts, each once, in their order.
func (g AlertGroup) Names() []string {
	var out []string
	for _, a := range g.Alerts {
		if !slices.Contains(out, a.Name) {
			out = append(out, a.Name)
		}
	}
	return out
}

// Service is the first one that an alert names; empty: none does.
func (g AlertGroup) Service() string {
	if s := g.Lead().Service; s != "" {
		return s
	}
	for _, a := range g.Alerts {
		if a.Service != "" {
			return a.Service
		}
	}
	return ""
}

// Quieted tells whether people asked not to hear of the group now.
func (g AlertGroup) Quieted() bool { return g.Silence.N > 0 }

// Post finds where the message stands in a channel.
func (g AlertGroup) Post(channel string) (Spot, bool) {
	for _, p := range g.Posts {
		if p.Name == channel {
			return p.Spot, true
		}
	}
	return Spot{}, false
}

// Ref is what an incident keeps of the group.
func (g AlertGroup) Ref() AlertRef {
	r := AlertRef{
		Group: g.ID, Episode: g.Episode, Title: g.Title(), Names: g.Names(), Class: g.Worst(), Service: g.Service(), Source: g.Source,
		Firing: len(g.Firing()), Total: len(g.Alerts), Since: g.Began, QuietSince: g.QuietSince,
	}
	if len(g.Posts) > 0 {
		r.Spot = g.Posts[0].Spot
	}
	if g.Source == FromPagerDuty && len(g.Alerts) > 0 {
		r.Remote = g.Alerts[0].Labels["pagerduty"]
	}
	for _, a := range g.Alerts {
		if len(r.Lines) < maxRefLines {
			r.Lines = append(r.Lines, a.line())
		}
		if r.Expr == "" {
			r.Expr = a.Expr
		}
	}
	return r
}

// maxRefLines bounds what an incident keeps of one group's alerts.
const maxRefLines = 200

// line says which alert it is in one line: its name and what sets it apart.
func (a GroupAlert) line() string {
	out := a.Name
	for _, label := range []string{"instance", "pod", "host", "node", "device", "job"} {
		if v := a.Labels[label]; v != "" {
			out += " " + v
			break
		}
	}
	if !a.Firing {
		out += " (resolved)"
	}
	return out
}

// Worse tells whether a class is worse than another.
func (c Class) Worse(than Class) bool { return c.rank() < than.rank() }

func (c Class) rank() int {
	switch c {
	case Critical:
		return 0
	case Warning:
		return 1
	default:
		return 2
	}
}

// Declares is the severity that an alert of the class is declared with.
func (c Class) Declares() Severity {
	switch c {
	case Critical:
		return P0
	case Warning:
		return P2
	default:
		return P3
	}
}

// Matches tells whether an alert carries all labels of a match. A value that
// begins with "~" is a list of alternatives separated by "|", in which "*"
// stands for anything.
func (a Alert) Matches(match map[string]string) bool {
	for label, want := range match {
		if !fits(want, a.label(label)) {
			return false
		}
	}
	return true
}

// label gives a label; some that every alert has are read off its fields.
func (a Alert) label(name string) string {
	if v, ok := a.Labels[name]; ok {
		return v
	}
	switch name {
	case "alertname":
		return a.Name
	case "severity":
		return a.Severity
	case "service":
		return a.Service
	case "source":
		return a.Source
	default:
		return ""
	}
}

func fits(want, have string) bool {
	list, several := strings.CutPrefix(want, "~")
	if !several {
		return want == have
	}
	for pattern := range strings.SplitSeq(list, "|") {
		if glob(pattern, have) {
			return true
		}
	}
	return false
}

// glob matches a text where "*" stands for anything.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
