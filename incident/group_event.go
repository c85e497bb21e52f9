package incident

import "time"

// AlertsHeard records what was new about a group's alerts.
type AlertsHeard struct {
	Key      string `json:"key,omitempty"`
	Source   string `json:"source,omitempty"`
	Receiver string `json:"receiver,omitempty"`
	// Episode is the one that they belong to; a new number begins one.
	Episode int     `json:"episode"`
	Alerts  []Alert `json:"alerts"`
	// Again is set when the group fires again within its episode.
	Again bool `json:"again,omitempty"`
	// Turn is set when an alert began or ended that was known before.
	Turn bool `json:"turn,omitempty"`
}

// GroupAnnounced says which channels are told of the group.
type GroupAnnounced struct {
	Episode  int       `json:"episode"`
	Class    Class     `json:"class"`
	Channels []Channel `json:"channels,omitempty"`
	// Person is paged over Methods; nobody: nobody is.
	Person  Person   `json:"person,omitzero"`
	Methods []string `json:"methods,omitempty"`
}

// GroupPosted remembers where the message of an episode stands.
type GroupPosted struct {
	Episode int    `json:"episode"`
	Channel string `json:"channel"` // as it is configured
	Spot    Spot   `json:"spot"`
}

// GroupPageSettled says what became of a page for the group.
type GroupPageSettled struct {
	Person Person    `json:"person"`
	Method string    `json:"method"`
	State  PageState `json:"state"`
	Reason string    `json:"reason,omitempty"`
	Ref    string    `json:"ref,omitempty"`
}

// GroupAcked says that a person has the alerts.
type GroupAcked struct {
	By  Person `json:"by"`
	Via string `json:"via,omitempty"`
}

// GroupSilenced says that the group is not to be heard for a while.
type GroupSilenced struct{ Silence }

// SilenceSettled says what the source made of a silence, or of its end.
type SilenceSettled struct {
	N  int    `json:"n"`
	ID string `json:"id,omitempty"`
	// Failed says why the source did not take it; empty: it did.
	Failed string `json:"failed,omitempty"`
}

// SilenceEnded says that the group is heard again.
type SilenceEnded struct {
	N  int    `json:"n"`
	By Person `json:"by,omitzero"` // nobody: its time was over
	ID string `json:"id,omitempty"`
	// Early is set when the source still keeps it and must be told.
	Early bool          `json:"early,omitempty"`
	Why   string        `json:"why,omitempty"`
	Late  time.Duration `json:"late,omitempty"`
}

// GroupDeclaring says that an incident is being declared from the group.
type GroupDeclaring struct{ Declaring }

// GroupJoined says which incident the group belongs to; an empty one: none any
// more.
type GroupJoined struct {
	Incident string `json:"incident"`
	By       Person `json:"by,omitzero"` // nobody: a rule
	Why      string `json:"why,omitempty"`
	// From is the incident that the group leaves for it; empty: none. It is
	// merged into the new one when Merge is set.
	From  string `json:"from,omitempty"`
	Merge bool   `json:"merge,omitempty"`
}

// GroupInStorm says that the group is one of many at once.
type GroupInStorm struct {
	Storm int `json:"storm"`
}

// GroupHeld says that a maintenance window holds the group back; an empty
// Window: none does any more.
type GroupHeld struct {
	Window string `json:"window,omitempty"`
}

// GroupFlapping says that the group's alerts come and go, or that they do not
// any more.
type GroupFlapping struct {
	On     bool          `json:"on"`
	Turns  int           `json:"turns,omitempty"`
	Within time.Duration `json:"within,omitempty"`
}

// GroupCharted remembers the picture of the expression.
type GroupCharted struct{ Chart }

// GroupOver says that the group has been quiet for so long that the next
// alert begins a new episode.
type GroupOver struct{}

func (AlertsHeard) event()      {}
func (GroupAnnounced) event()   {}
func (GroupPosted) event()      {}
func (GroupPageSettled) event() {}
func (GroupAcked) event()       {}
func (GroupSilenced) event()    {}
func (SilenceSettled) event()   {}
func (SilenceEnded) event()     {}
func (GroupDeclaring) event()   {}
func (GroupJoined) event()      {}
func (GroupInStorm) event()     {}
func (GroupHeld) event()        {}
func (GroupFlapping) event()    {}
func (GroupCharted) event()     {}
func (GroupOver) event()        {}

// HearAlerts says what a source told of one group.
type HearAlerts struct {
	Key, Source, Receiver string
	Alerts                []Alert
}

// AckAlerts says "I have it".
type AckAlerts struct {
	By  Person
	Via string
}

// SilenceAlerts asks not to hear of the group for a while.
type SilenceAlerts struct {
	By            Person
	For           time.Duration
	UntilResolved bool
	// Remote asks the source to keep it too.
	Remote bool
}

// EndSilence asks to hear of the group again.
type EndSilence struct{ By Person }

// DeclareAlerts declares an incident from the group.
type DeclareAlerts struct {
	By Person
	// Severity is used when Chosen is set; else the class of the alerts says it.
	Severity Severity
	Chosen   bool
	Title    string // empty: the group's own
}

// JoinAlerts puts the group into an incident that is open.
type JoinAlerts struct {
	By       Person
	Incident string
	Why      string
}

func (HearAlerts) intent()    {}
func (AckAlerts) intent()     {}
func (SilenceAlerts) intent() {}
func (EndSilence) intent()    {}
func (DeclareAlerts) intent() {}
func (JoinAlerts) intent()    {}
