package incident

import "time"

// PlaybookSuggested says which playbooks fit.
type PlaybookSuggested struct {
	Playbooks []Suggestion `json:"playbooks"`
}

// PlaybookOpened shows a playbook in the incident, as it was at that moment.
type PlaybookOpened struct {
	By       Person   `json:"by"`
	Playbook Playbook `json:"playbook"`
}

// PlaybookPosted remembers where a section of a playbook stands; 0 is its head.
type PlaybookPosted struct {
	Playbook string `json:"playbook"`
	Section  int    `json:"section"`
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	Seq      uint64 `json:"seq"` // of the PlaybookOpened record
}

// ItemTicked says that a check-list's entry was ticked, or unticked.
type ItemTicked struct {
	By       Person `json:"by"`
	Playbook string `json:"playbook"`
	Item     string `json:"item"`
	Text     string `json:"text"`
	Off      bool   `json:"off,omitempty"`
}

// StepAsked says that somebody wants a step run. Nothing has run yet: a
// reading step is about to, a changing one is previewed first.
type StepAsked struct {
	N         int      `json:"n"` // counts from 1 within the incident
	By        Person   `json:"by"`
	Playbook  string   `json:"playbook"`
	Book      string   `json:"book,omitempty"`
	Step      string   `json:"step"`
	Title     string   `json:"title"`
	Class     Effort   `json:"class"`
	Command   string   `json:"command"`
	Block     Block    `json:"block"`
	Sure      bool     `json:"sure,omitempty"`
	Approval  bool     `json:"approval,omitempty"`
	Approvers []Person `json:"approvers,omitempty"`
	Undoes    int      `json:"undoes,omitempty"`
	// Until is when it lapses, unless something happens before.
	Until time.Time `json:"until"`
}

// StepPreviewed says what a changing step will do.
type StepPreviewed struct {
	N       int     `json:"n"`
	Preview Preview `json:"preview"`
	// Digest names the step, its values and the objects' versions.
	Digest string    `json:"digest"`
	Until  time.Time `json:"until"`
}

// StepConfirmed says that somebody who may operate wants what was previewed.
type StepConfirmed struct {
	N         int       `json:"n"`
	By        Person    `json:"by"`
	Digest    string    `json:"digest"`
	Approvers []Person  `json:"approvers,omitempty"`
	Until     time.Time `json:"until"`
}

// StepApproved lets a step run once.
type StepApproved struct {
	N      int       `json:"n"`
	By     Person    `json:"by"`
	Digest string    `json:"digest"`
	Until  time.Time `json:"until"`
}

// StepRefused says that a second person does not want it.
type StepRefused struct {
	N      int    `json:"n"`
	By     Person `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// StepWithdrawn takes a step back before it began.
type StepWithdrawn struct {
	N  int    `json:"n"`
	By Person `json:"by"`
}

// StepLapsed says that its time is over and that it did not run.
type StepLapsed struct {
	N    int           `json:"n"`
	Was  Phase         `json:"was"`
	Late time.Duration `json:"late,omitempty"`
}

// StepChanged says that something is not as it was shown: nothing ran, and it
// is asked again.
type StepChanged struct {
	N      int       `json:"n"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// StepStarted is on record before anything is done.
type StepStarted struct {
	N int `json:"n"`
}

// StepStopped says that somebody cancels a step that runs.
type StepStopped struct {
	N  int    `json:"n"`
	By Person `json:"by"`
}

// StepEnded says what came of a step.
type StepEnded struct {
	N       int     `json:"n"`
	Outcome Outcome `json:"outcome"`
}

// StepPosted remembers where a run's message stands. Shown is the record that
// it told of last.
type StepPosted struct {
	N       int    `json:"n"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Shown   uint64 `json:"shown,omitempty"`
}

func (PlaybookSuggested) event() {}
func (PlaybookOpened) event()    {}
func (PlaybookPosted) event()    {}
func (ItemTicked) event()        {}
func (StepAsked) event()         {}
func (StepPreviewed) event()     {}
func (StepConfirmed) event()     {}
func (StepApproved) event()      {}
func (StepRefused) event()       {}
func (StepWithdrawn) event()     {}
func (StepLapsed) event()        {}
func (StepChanged) event()       {}
func (StepStarted) event()       {}
func (StepStopped) event()       {}
func (StepEnded) event()         {}
func (StepPosted) event()        {}
