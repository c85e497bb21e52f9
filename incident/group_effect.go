package incident

// AlertPost posts the message of an episode into one channel.
type AlertPost struct {
	Channel Channel `json:"channel"`
	Episode int     `json:"episode"`
}

// AlertRefresh brings the episode's messages up to date. Only the newest one
// is sent.
type AlertRefresh struct{}

// AlertThread says one record of the group in a message's thread.
type AlertThread struct {
	Seq     uint64 `json:"seq"`
	Channel string `json:"channel"` // as it is configured
	// Also shows it in the channel, with the channel's mention.
	Also    bool   `json:"also,omitempty"`
	Mention string `json:"mention,omitempty"`
}

// AlertMail tells a class's addresses of the group.
type AlertMail struct {
	Channel Channel `json:"channel"`
	Episode int     `json:"episode"`
}

// AlertPage wakes one person for the group over one method.
type AlertPage struct {
	Person  Person `json:"person"`
	Method  string `json:"method"`
	Episode int    `json:"episode"`
}

// OpenIncident declares the incident that one record asks for, or finds the
// open one that it belongs to.
type OpenIncident struct {
	Seq uint64 `json:"seq"`
}

// Inform tells an incident how the group's alerts stand. Only the newest one
// is told.
type Inform struct {
	Incident string `json:"incident"`
}

// Fold merges an incident into the storm that its alerts turned out to be part
// of.
type Fold struct {
	Incident string `json:"incident"`
	Into     string `json:"into"`
}

// AlertSilence asks the source to keep a silence.
type AlertSilence struct {
	N int `json:"n"`
}

// AlertUnsilence asks the source to end one.
type AlertUnsilence struct {
	N  int    `json:"n"`
	ID string `json:"id"`
}

// AlertChart draws the expression and shows it with the message.
type AlertChart struct {
	Episode int `json:"episode"`
}

// AlertOperations tells the operations channel what one record says.
type AlertOperations struct {
	Seq uint64 `json:"seq"`
}

// AlertList brings the list of an incident's alerts in its thread up to date.
type AlertList struct{}

func (AlertPost) effect()       {}
func (AlertRefresh) effect()    {}
func (AlertThread) effect()     {}
func (AlertMail) effect()       {}
func (AlertPage) effect()       {}
func (OpenIncident) effect()    {}
func (Inform) effect()          {}
func (Fold) effect()            {}
func (AlertSilence) effect()    {}
func (AlertUnsilence) effect()  {}
func (AlertChart) effect()      {}
func (AlertOperations) effect() {}
func (AlertList) effect()       {}

// travelAlert gives the traits of the effects of alerts.
func travelAlert(e Effect) (Traits, bool) {
	switch e := e.(type) {
	case AlertPage:
		return Traits{Lane: "page", Priority: 0}, true
	case AlertPost:
		return Traits{Lane: "notify " + e.Channel.Name, Priority: 2}, true
	case AlertThread:
		return Traits{Lane: "notify " + e.Channel, Priority: 2}, true
	case AlertMail:
		return Traits{Lane: "mail", Priority: 2}, true
	case AlertRefresh:
		return Traits{Lane: "chat", Priority: 3, Replaces: "alert"}, true
	case AlertList:
		return Traits{Lane: "list", Priority: 3, Replaces: "list"}, true
	case OpenIncident:
		return Traits{Lane: "action", Priority: 1}, true
	case Inform:
		return Traits{Lane: "inform", Priority: 2, Replaces: "inform " + e.Incident}, true
	case Fold:
		return Traits{Lane: "action", Priority: 1}, true
	case AlertSilence, AlertUnsilence:
		return Traits{Lane: "silence", Priority: 1}, true
	case AlertChart:
		return Traits{Lane: "decor", Priority: 4, Replaces: "chart"}, true
	case AlertOperations:
		return Traits{Lane: "reply", Priority: 2}, true
	default:
		return Traits{}, false
	}
}
