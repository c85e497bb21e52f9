package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StepWindow is how long a step waits for a person, and how long an approval
// holds until the step has begun.
const StepWindow = 10 * time.Minute

// MaxPending is how many steps of one incident may wait or run at once.
const MaxPending = 20

// OpenPlaybook shows a playbook in the incident.
type OpenPlaybook struct {
	By       Person
	Playbook Playbook
}

// TickItems ticks and unticks entries of check-lists.
type TickItems struct {
	By       Person
	Playbook string
	On, Off  []string
}

// AskStep asks for a step of a playbook, with everything resolved.
type AskStep struct {
	By        Person
	Playbook  string
	Book      string
	Step      string
	Title     string
	Class     Effort
	Command   string
	Block     Block
	Sure      bool // the one who asks may operate
	Approval  bool
	Approvers []Person
}

// AskUndo asks to take a run back.
type AskUndo struct {
	By        Person
	N         int
	Sure      bool
	Approval  bool
	Approvers []Person
}

// ConfirmStep says that somebody who may operate wants what was previewed.
type ConfirmStep struct {
	By        Person
	N         int
	Digest    string // as far as it is known; empty: whatever is shown now
	Approvers []Person
}

// ApproveStep lets a step run once.
type ApproveStep struct {
	By     Person
	N      int
	Digest string // as far as it is known; empty: whatever is shown now
}

// RefuseStep says that a second person does not want it.
type RefuseStep struct {
	By     Person
	N      int
	Reason string
}

// CancelStep takes a step back, or stops it while it runs.
type CancelStep struct {
	By Person
	N  int
}

// PreviewStep says what the servers answered to a dry run.
type PreviewStep struct {
	N       int
	Preview Preview
}

// StartStep asks for the right to run a step, once.
type StartStep struct{ N int }

// StaleStep says that something is not as it was approved; nothing ran.
type StaleStep struct {
	N      int
	Reason string
}

// EndStep says what came of a step.
type EndStep struct {
	N       int
	Outcome Outcome
}

func (OpenPlaybook) intent() {}
func (TickItems) intent()    {}
func (AskStep) intent()      {}
func (AskUndo) intent()      {}
func (ConfirmStep) intent()  {}
func (ApproveStep) intent()  {}
func (RefuseStep) intent()   {}
func (CancelStep) intent()   {}
func (PreviewStep) intent()  {}
func (StartStep) intent()    {}
func (StaleStep) intent()    {}
func (EndStep) intent()      {}

// handleShelf is Handle for what concerns playbooks; false: it is something
// else.
func handleShelf(s Incident, in Intent, now time.Time) (events []Event, mine bool, err error) {
	switch in := in.(type) {
	case PreviewStep:
		return previewed(s, in, now), true, nil
	case StartStep:
		return started(s, in, now), true, nil
	case StaleStep:
		return stale(s, in, now), true, nil
	case EndStep:
		return endStep(s, in.N, in.Outcome), true, nil
	case OpenPlaybook, TickItems, AskStep, AskUndo, ConfirmStep, ApproveStep, RefuseStep, CancelStep:
	default:
		return nil, false, nil
	}
	if s.MergedInto != "" || !s.ClosedAt.IsZero() {
		return nil, true, Refusal{"not_open", s.ID + " is " + ended(s) + ".", "Its playbooks cannot be run any more."}
	}
	switch in := in.(type) {
	case OpenPlaybook:
		events, err = openPlaybook(s, in)
	case TickItems:
		events, err = tickItems(s, in)
	case AskStep:
		events, err = askStep(s, in, now)
	case AskUndo:
		events, err = askUndo(s, in, now)
	case ConfirmStep:
		events, err = confirmStep(s, in, now)
	case ApproveStep:
		events, err = approveStep(s, in, now)
	case RefuseStep:
		events, err = refuseStep(s, in, now)
	case CancelStep:
		events, err = cancelStep(s, in, now)
	}
	return events, true, err
}

func openPlaybook(s Incident, in OpenPlaybook) ([]Event, error) {
	if b, ok := s.Shelf.Book(in.Playbook.ID); ok && b.Playbook.Digest == in.Playbook.Digest {
		return nil, nil
	}
	return one(PlaybookOpened(in))
}

func tickItems(s Incident, in TickItems) ([]Event, error) {
	b, ok := s.Shelf.Book(in.Playbook)
	if !ok {
		return nil, Refusal{"unknown", "That playbook is not shown in " + s.ID + ".", "playbook " + s.ID + " shows it."}
	}
	var out []Event
	for _, change := range []struct {
		items []string
		off   bool
	}{{in.On, false}, {in.Off, true}} {
		for _, id := range change.items {
			text, _, known := b.Playbook.Item(id)
			if !known {
				return nil, Refusal{"unknown", "The check-list has no such entry.", "The playbook was changed; playbook " + s.ID + " shows it as it is now."}
			}
			if _, ticked := s.Shelf.Ticked(in.Playbook, id); ticked == change.off {
				out = append(out, ItemTicked{By: in.By, Playbook: in.Playbook, Item: id, Text: text, Off: change.off})
			}
		}
	}
	return out, nil
}

func askStep(s Incident, in AskStep, now time.Time) ([]Event, error) {
	if in.Class != Reading && in.Class != Changing {
		return nil, Refusal{"impossible", "That step cannot run here.", "Copy it and run it where it belongs."}
	}
	if r, ok := crowded(s, in); ok {
		return nil, r
	}
	return one(StepAsked{
		N: s.Shelf.Asked + 1, By: in.By, Playbook: in.Playbook, Book: in.Book, Step: in.Step, Title: in.Title, Class: in.Class,
		Command: in.Command, Block: in.Block, Sure: in.Sure || in.Class == Reading, Approval: in.Approval && in.Class == Changing,
		Approvers: in.Approvers, Until: now.Add(StepWindow),
	})
}

// crowded refuses a step that is under way already with the same values, and
// more than an incident can follow.
func crowded(s Incident, in AskStep) (Refusal, bool) {
	pending, key := 0, blockKey(in.Block)
	for _, r := range s.Shelf.Runs {
		if r.Phase.Over() {
			continue
		}
		pending++
		if r.Playbook == in.Playbook && r.Step == in.Step && r.Undoes == 0 && blockKey(r.Block) == key {
			return Refusal{"under_way", fmt.Sprintf("%s asked for that already: run %d is %s.", r.By, r.N, r.Phase), ""}, true
		}
	}
	if pending >= MaxPending {
		return Refusal{"too_many", fmt.Sprintf("%d steps of %s wait or run already.", pending, s.ID), "Cancel some first."}, true
	}
	return Refusal{}, false
}

func askUndo(s Incident, in AskUndo, now time.Time) ([]Event, error) {
	r, err := run(s, in.N)
	switch {
	case err != nil:
		return nil, err
	case r.UndoneBy != 0:
		return nil, Refusal{"undone", fmt.Sprintf("Run %d is being undone, or was: see run %d.", in.N, r.UndoneBy), ""}
	case !r.CanUndo():
		why := r.Outcome.UndoNote
		switch {
		case r.Class != Changing:
			why = "It only read."
		case r.Phase == Running:
			why = "It still runs; cancelling stops it."
		case r.Phase != Ended:
			why = "It is " + standing(r) + ", and has changed nothing so far."
		case why == "":
			why = "It kept nothing that could be put back."
		}
		return nil, Refusal{"no_undo", fmt.Sprintf("Run %d cannot be undone.", in.N), why}
	}
	block := Block{Kind: r.Block.Kind, Code: r.Block.Code, Statements: r.Block.Statements, Journal: r.Outcome.Journal, Namespace: r.Block.Namespace, Source: r.Block.Source}
	return one(StepAsked{
		N: s.Shelf.Asked + 1, By: in.By, Playbook: r.Playbook, Book: r.Book, Step: r.Step, Title: "Undo: " + r.Title, Class: Changing,
		Command: "undo of: " + r.Command, Block: block, Sure: in.Sure, Approval: in.Approval, Approvers: in.Approvers, Undoes: r.N,
		Until: now.Add(StepWindow),
	})
}

func run(s Incident, n int) (StepRun, error) {
	r, ok := s.Shelf.Run(n)
	if !ok {
		return r, Refusal{"unknown", fmt.Sprintf("%s has no run %d.", s.ID, n), "playbook runs " + s.ID + " lists them."}
	}
	return r, nil
}

// awaited gives a run that waits for a person, as the button showed it.
func awaited(s Incident, n int, digest string, now time.Time) (StepRun, error) {
	r, err := run(s, n)
	if err != nil {
		return r, err
	}
	switch {
	case r.Phase == Previewing && r.Again > 0:
		return r, Refusal{"changed", "Something changed after this was shown: " + strings.TrimSuffix(r.Reason, ".") + ".", "What it would do now is being looked at; please look again."}
	case r.Phase == Lapsed, r.Phase == Waiting && !now.Before(r.Until):
		return r, Refusal{"expired", fmt.Sprintf("Run %d has expired: what was shown held for %d minutes. It did not run.", n, int(StepWindow.Minutes())), "Ask for the step again."}
	case r.Phase == Previewing:
		return r, Refusal{"not_yet", "What it would do is still being looked at.", "It is shown in the thread in a moment."}
	case r.Phase != Waiting:
		return r, Refusal{"over", fmt.Sprintf("Run %d is decided already: %s.", n, standing(r)), ""}
	case digest != "" && (len(digest) > len(r.Digest) || r.Digest[:len(digest)] != digest):
		return r, Refusal{"changed", "Something changed after this was shown.", "The thread has what it would do now; please look at that."}
	}
	return r, nil
}

// standing says in a few words where a run stands.
func standing(r StepRun) string {
	switch r.Phase {
	case Ready:
		if r.Decided.Nobody() {
			return "about to run"
		}
		return "approved by " + r.Decided.String()
	case Refused:
		return "refused by " + r.Decided.String()
	case Withdrawn:
		return "withdrawn by " + r.Decided.String()
	case Ended:
		return string(r.Outcome.End)
	case Lapsed:
		return "expired, and it did not run"
	default:
		return string(r.Phase)
	}
}

func confirmStep(s Incident, in ConfirmStep, now time.Time) ([]Event, error) {
	if r, ok := s.Shelf.Run(in.N); ok && r.Sure && r.By.Is(in.By) && r.Phase != Lapsed {
		if r.Approval || r.Phase != Waiting {
			return nil, nil // a repeated click
		}
	}
	r, err := awaited(s, in.N, in.Digest, now)
	if err != nil {
		return nil, err
	}
	if r.Approval && r.Sure {
		return nil, Refusal{"needs_approval", r.By.String() + " asked for it; it needs somebody's approval.", ""}
	}
	return one(StepConfirmed{N: in.N, By: in.By, Digest: r.Digest, Approvers: in.Approvers, Until: now.Add(StepWindow)})
}

func approveStep(s Incident, in ApproveStep, now time.Time) ([]Event, error) {
	if r, ok := s.Shelf.Run(in.N); ok && r.Decided.Is(in.By) && (r.Phase == Ready || r.Phase == Running || r.Phase == Ended) {
		return nil, nil // a repeated click
	}
	r, err := awaited(s, in.N, in.Digest, now)
	switch {
	case err != nil:
		return nil, err
	case !r.Approval:
		return nil, Refusal{"no_approval", fmt.Sprintf("Run %d needs no approval.", in.N), "Whoever may operate can run it."}
	case !r.Sure:
		return nil, Refusal{"not_asked", "Nobody who may operate has asked for it yet.", fmt.Sprintf("Somebody who may does that first: playbook confirm %d.", in.N)}
	case r.By.Is(in.By):
		return nil, Refusal{"same_person", "You asked for this step, so somebody else has to approve it.", ""}
	}
	return one(StepApproved{N: in.N, By: in.By, Digest: r.Digest, Until: now.Add(StepWindow)})
}

func refuseStep(s Incident, in RefuseStep, now time.Time) ([]Event, error) {
	if r, ok := s.Shelf.Run(in.N); ok && r.Phase == Refused && r.Decided.Is(in.By) {
		return nil, nil
	}
	r, err := awaited(s, in.N, "", now)
	if err != nil {
		return nil, err
	}
	return one(StepRefused{N: r.N, By: in.By, Reason: in.Reason})
}

func cancelStep(s Incident, in CancelStep, now time.Time) ([]Event, error) {
	r, err := run(s, in.N)
	switch {
	case err != nil:
		return nil, err
	case r.Phase == Withdrawn, r.Phase == Running && !r.Stopping.Nobody():
		return nil, nil
	case r.Phase == Running:
		return one(StepStopped{N: in.N, By: in.By})
	case r.Phase.Over():
		return nil, Refusal{"over", fmt.Sprintf("Run %d is over already: %s.", in.N, standing(r)), ""}
	}
	return one(StepWithdrawn{N: in.N, By: in.By})
}

// previewed takes over what the servers said. A step that runs without
// another person's word still waits for somebody who may operate.
func previewed(s Incident, in PreviewStep, now time.Time) []Event {
	r, ok := s.Shelf.Run(in.N)
	if !ok || r.Phase != Previewing {
		return nil
	}
	return []Event{StepPreviewed{N: r.N, Preview: in.Preview, Digest: digest(r, in.Preview), Until: now.Add(StepWindow)}}
}

// started gives the right to run, once: whoever asks and gets no StepStarted
// does not run it.
func started(s Incident, in StartStep, now time.Time) []Event {
	r, ok := s.Shelf.Run(in.N)
	if !ok || r.Phase != Ready {
		return nil
	}
	if !now.Before(r.Until) || s.MergedInto != "" || !s.ClosedAt.IsZero() {
		return []Event{StepLapsed{N: r.N, Was: Ready}}
	}
	return []Event{StepStarted{N: r.N}}
}

func stale(s Incident, in StaleStep, now time.Time) []Event {
	r, ok := s.Shelf.Run(in.N)
	if !ok || r.Phase != Running {
		return nil
	}
	return []Event{StepChanged{N: r.N, Reason: in.Reason, Until: now.Add(StepWindow)}}
}

func endStep(s Incident, n int, o Outcome) []Event {
	r, ok := s.Shelf.Run(n)
	if !ok || r.Phase.Over() || r.Phase == Waiting {
		return nil
	}
	return []Event{StepEnded{N: n, Outcome: o}}
}

// settledShelf records what came of an effect of a playbook; false: it is
// something else's.
func settledShelf(s Incident, in Settled) ([]Event, bool) {
	at := in.Receipt
	switch e := in.Effect.(type) {
	case ShowSection:
		if in.State == PageDelivered && at.TS != "" {
			return []Event{PlaybookPosted{Playbook: e.Playbook, Section: e.Section, Channel: at.Channel, TS: at.TS, Seq: e.Seq}}, true
		}
		return nil, in.State != PageFailed
	case ShowStep:
		if in.State == PageDelivered && at.TS != "" {
			shown, err := strconv.ParseUint(at.Ref, 10, 64)
			if err != nil { // it was found where it stood already
				shown = e.Seq
			}
			return []Event{StepPosted{N: e.N, Channel: at.Channel, TS: at.TS, Shown: shown}}, true
		}
		return nil, in.State != PageFailed
	case Perform:
		if in.State == PageFailed {
			return endStep(s, e.N, Outcome{End: EndNotRun, Why: in.Reason}), true
		}
		return nil, true
	case RefreshSection, RefreshStep, Interrupt:
		return nil, true // the history has it; nobody waits for the message
	default:
		return nil, false
	}
}

// digest names a step, its values and the versions of what it touches.
func digest(r StepRun, p Preview) string {
	type object struct{ Kind, Resource, Namespace, Name, UID, Version, Verb string }
	objects := make([]object, len(p.Objects))
	for i, o := range p.Objects {
		objects[i] = object{o.Kind, o.Resource, o.Namespace, o.Name, o.UID, o.Version, o.Verb}
	}
	return hash(r.Playbook, r.Step, r.Undoes, r.Block, p.Commands, objects)
}

// blockKey names a block with its values.
func blockKey(b Block) string { return hash(b) }

func hash(parts ...any) string {
	body, err := json.Marshal(parts)
	if err != nil { // nothing of it is a channel or a function
		return "unreadable"
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
