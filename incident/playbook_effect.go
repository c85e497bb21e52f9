package incident

import "strconv"

// Perform looks at what a step would do, or runs it.
type Perform struct {
	N int `json:"n"`
	// Look only previews it.
	Look bool `json:"look,omitempty"`
	// Class decides whom it waits for.
	Class Effort `json:"class"`
}

// Interrupt stops a step that runs.
type Interrupt struct {
	N int `json:"n"`
}

// ShowSection posts a section of a playbook into the card's thread; 0 is the
// playbook's head. Seq is the record that opened it.
type ShowSection struct {
	Playbook string `json:"playbook"`
	Section  int    `json:"section"`
	Seq      uint64 `json:"seq"`
}

// RefreshSection brings a section's message up to date.
type RefreshSection struct {
	Playbook string `json:"playbook"`
	Section  int    `json:"section"`
}

// ShowStep posts where a run stands into the card's thread. Seq is the record
// that asked for it.
type ShowStep struct {
	N   int    `json:"n"`
	Seq uint64 `json:"seq"`
}

// RefreshStep brings a run's message up to date.
type RefreshStep struct {
	N int `json:"n"`
}

// ShowOutput posts the whole of a long output as a file.
type ShowOutput struct {
	N int `json:"n"`
}

func (Perform) effect()        {}
func (Interrupt) effect()      {}
func (ShowSection) effect()    {}
func (RefreshSection) effect() {}
func (ShowStep) effect()       {}
func (RefreshStep) effect()    {}
func (ShowOutput) effect()     {}

// shelfEffects is Effects for what concerns playbooks; false: it is something
// else.
func shelfEffects(s Incident, r Record) ([]Effect, bool) {
	thread := Thread{Seq: r.Seq, What: EventKind(r.Event)}
	switch e := r.Event.(type) {
	case PlaybookSuggested:
		return []Effect{thread}, true
	case PlaybookOpened:
		var out []Effect
		for i := range len(e.Playbook.Sections) + 1 {
			out = append(out, ShowSection{Playbook: e.Playbook.ID, Section: i, Seq: r.Seq})
		}
		return out, true
	case PlaybookPosted:
		return nil, true
	case ItemTicked:
		return section(s, e.Playbook, func(p Playbook) (int, bool) { _, n, ok := p.Item(e.Item); return n, ok }), true
	case StepAsked:
		out := []Effect{Perform{N: e.N, Look: e.Class == Changing, Class: e.Class}}
		if e.Undoes != 0 {
			out = append(out, RefreshStep{N: e.Undoes})
		}
		return out, true
	case StepPreviewed:
		run, _ := s.Shelf.Run(e.N)
		out := []Effect{ShowStep{N: e.N, Seq: r.Seq}}
		if run.Approval && run.Sure {
			out = append(out, tellAll(r, run.Approvers)...)
		}
		return out, true
	case StepConfirmed:
		run, _ := s.Shelf.Run(e.N)
		if run.Approval {
			return append([]Effect{RefreshStep{N: e.N}}, tellAll(r, run.Approvers)...), true
		}
		return []Effect{Perform{N: e.N, Class: Changing}, RefreshStep{N: e.N}}, true
	case StepApproved:
		return []Effect{Perform{N: e.N, Class: Changing}, RefreshStep{N: e.N}}, true
	case StepRefused:
		return append([]Effect{thread}, stepOver(s, e.N)...), true
	case StepWithdrawn:
		return stepOver(s, e.N), true
	case StepLapsed:
		return append([]Effect{thread}, stepOver(s, e.N)...), true
	case StepChanged:
		return []Effect{thread, Perform{N: e.N, Look: true, Class: Changing}, RefreshStep{N: e.N}}, true
	case StepStarted:
		run, _ := s.Shelf.Run(e.N)
		show := Effect(RefreshStep(e))
		if run.Class == Reading {
			show = ShowStep{N: e.N, Seq: r.Seq}
		}
		return append([]Effect{show}, stepSection(s, e.N)...), true
	case StepStopped:
		return []Effect{Interrupt{N: e.N}, RefreshStep{N: e.N}}, true
	case StepEnded:
		return stepEnded(s, e, thread), true
	case StepPosted:
		if run, ok := s.Shelf.Run(e.N); ok && (run.Seq > e.Shown || len(run.Old) > 0) {
			return []Effect{RefreshStep{N: e.N}}, true
		}
		return nil, true
	default:
		return nil, false
	}
}

func tellAll(r Record, people []Person) []Effect {
	var out []Effect
	for _, p := range people {
		out = append(out, Tell{Seq: r.Seq, What: EventKind(r.Event), Person: p})
	}
	return out
}

// stepOver tells of a run that is over without having run.
func stepOver(s Incident, n int) []Effect {
	out := append([]Effect{RefreshStep{N: n}}, stepSection(s, n)...)
	if run, ok := s.Shelf.Run(n); ok && run.Undoes != 0 {
		out = append(out, RefreshStep{N: run.Undoes})
	}
	return out
}

func stepEnded(s Incident, e StepEnded, thread Thread) []Effect {
	run, _ := s.Shelf.Run(e.N)
	var out []Effect
	if run.Class == Changing || run.At.TS == "" && run.StartedAt.IsZero() {
		out = append(out, thread) // nobody is told by a message that changes
	}
	out = append(out, stepOver(s, e.N)...)
	if e.Outcome.Cut && e.Outcome.Ref != "" {
		out = append(out, ShowOutput{N: e.N})
	}
	return out
}

func stepSection(s Incident, n int) []Effect {
	run, ok := s.Shelf.Run(n)
	if !ok || run.Undoes != 0 {
		return nil
	}
	return section(s, run.Playbook, func(p Playbook) (int, bool) { _, i, ok := p.Step(run.Step); return i, ok })
}

func section(s Incident, playbook string, find func(Playbook) (int, bool)) []Effect {
	b, ok := s.Shelf.Book(playbook)
	if !ok {
		return nil
	}
	if i, ok := find(b.Playbook); ok {
		return []Effect{RefreshSection{Playbook: playbook, Section: i}}
	}
	return nil
}

// relevantShelf is Relevant for what concerns playbooks.
func relevantShelf(s Incident, e Effect) (reason string, ok bool) {
	switch e := e.(type) {
	case Perform:
		run, known := s.Shelf.Run(e.N)
		switch {
		case !known:
			return "the step is not known", false
		case e.Look && run.Phase != Previewing, !e.Look && run.Phase != Ready && run.Phase != Running:
			return "the step is " + string(run.Phase), false
		}
	case Interrupt:
		if run, _ := s.Shelf.Run(e.N); run.Phase != Running {
			return "the step does not run any more", false
		}
	case ShowSection:
		if b, ok := s.Shelf.Book(e.Playbook); !ok || b.Seq != e.Seq {
			return "the playbook was shown again", false
		}
	case Tell:
		return relevantAsk(s, e)
	}
	return "", true
}

// relevantAsk drops a request for approval that is decided already.
func relevantAsk(s Incident, e Tell) (reason string, ok bool) {
	if e.What != EventKind(StepPreviewed{}) && e.What != EventKind(StepConfirmed{}) {
		return "", true
	}
	for _, r := range s.Shelf.Runs {
		if r.Seq == e.Seq && r.Phase == Waiting {
			return "", true
		}
	}
	return "it is decided already", false
}

// shelfTravel is Travel for what concerns playbooks; false: it is something
// else.
func shelfTravel(e Effect) (Traits, bool) {
	switch e := e.(type) {
	case Perform:
		if e.Class == Changing && !e.Look { // one change after the other; looking waits for nobody
			return Traits{Lane: "action", Priority: 1}, true
		}
		return Traits{Lane: "action " + strconv.Itoa(e.N), Priority: 1}, true
	case Interrupt:
		return Traits{Lane: "interrupt", Priority: 1}, true
	case ShowSection:
		return Traits{Lane: "chat", Priority: 2}, true
	case RefreshSection:
		return Traits{Lane: "chat", Priority: 3, Replaces: "section " + e.Playbook + " " + strconv.Itoa(e.Section)}, true
	case ShowStep:
		return Traits{Lane: "chat", Priority: 1}, true
	case RefreshStep:
		return Traits{Lane: "chat", Priority: 1, Replaces: "step " + strconv.Itoa(e.N)}, true
	case ShowOutput:
		return Traits{Lane: "chat", Priority: 2}, true
	default:
		return Traits{}, false
	}
}
