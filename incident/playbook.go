package incident

import (
	"strconv"
	"strings"
	"time"
)

// Playbook is a runbook as it was shown in an incident: a changed file does
// not change what people see and approve.
type Playbook struct {
	// ID is the file's name without .md; Digest names its text.
	ID     string `json:"id"`
	Title  string `json:"title"`
	Digest string `json:"digest,omitempty"`
	// Severity is "P0" to "P3"; empty: it names none.
	Severity   string        `json:"severity,omitempty"`
	Impact     string        `json:"impact,omitempty"`
	Response   string        `json:"response,omitempty"` // the response time, in words
	Escalation string        `json:"escalation,omitempty"`
	Detection  []string      `json:"detection,omitempty"` // what shows it, alert names among it
	Sections   []BookSection `json:"sections,omitempty"`
	// Templates are the messages that it brings, for updates.
	Templates []Template `json:"templates,omitempty"`
}

// BookSection is one part of a playbook under a heading.
type BookSection struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty"` // Markdown
	Steps []Step `json:"steps,omitempty"`
}

// Step is one thing to do: something to run, a check-list, a message, an
// address, or text to copy.
type Step struct {
	// ID is unique within the playbook and stays when others come and go; N
	// counts from 1.
	ID    string `json:"id"`
	N     int    `json:"n"`
	Title string `json:"title"`
	Text  string `json:"text,omitempty"` // the prose before it, in Markdown
	// Kind is bash, sql, promql, logql, checklist, template, open or show.
	Kind  string `json:"kind"`
	Code  string `json:"code,omitempty"`
	Class Effort `json:"class"`
	// Why says why it cannot run, or why it counts as changing.
	Why string `json:"why,omitempty"`
	// Needs says what must be configured before it can run here; empty: nothing.
	Needs  string  `json:"needs,omitempty"`
	Params []Param `json:"params,omitempty"`
	// Approval is set where a second person must approve it.
	Approval bool `json:"approval,omitempty"`
	// Items are the entries of a check-list.
	Items []string `json:"items,omitempty"`
}

// Runs tells whether the step is something that can be run.
func (s Step) Runs() bool {
	switch s.Kind {
	case "bash", "sql", "promql", "logql":
		return s.Class == Reading || s.Class == Changing
	default:
		return false
	}
}

// Item names an entry of the step's check-list.
func (s Step) Item(i int) string { return s.ID + "." + strconv.Itoa(i+1) }

// Param is a value that a step needs.
type Param struct {
	Name    string   `json:"name"`
	Title   string   `json:"title,omitempty"`
	Kind    string   `json:"kind,omitempty"` // pod, deployment, namespace, number, …
	Default string   `json:"default,omitempty"`
	Choices []string `json:"choices,omitempty"` // the only values; empty: any
}

// Template is a message that a playbook brings.
type Template struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Effort says what a step does to the world.
type Effort string

// The efforts. What cannot be decided is changing.
const (
	Reading    Effort = "reading"
	Changing   Effort = "changing"
	Impossible Effort = "impossible"
)

// Suggestion is a playbook that fits an incident, and why.
type Suggestion struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Why   string `json:"why"`
}

// Block is what a step runs, with everything that was resolved when it was
// asked for: what is approved is what runs.
type Block struct {
	Kind string `json:"kind"`
	// Code is the whole with its values in it, as what runs it reads it;
	// Statements are those of a sql block, in order.
	Code       string            `json:"code"`
	Statements []string          `json:"statements,omitempty"`
	Params     map[string]string `json:"params,omitempty"`
	// Source names the database of a sql block; empty: the main one.
	Source    string `json:"source,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// PostKind and PostCode are the check after a change; empty: none.
	PostKind string `json:"post_kind,omitempty"`
	PostCode string `json:"post_code,omitempty"`
	// Journal names the evidence that an undo puts back; empty: it is none.
	Journal string `json:"journal,omitempty"`
	// Deadline is how long it may run; zero: the runner's own.
	Deadline time.Duration `json:"deadline,omitempty"`
}

// Object is something in the cluster that a step touches.
type Object struct {
	Kind      string `json:"kind"`
	Resource  string `json:"resource,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
	// Version is what an approval is bound to; empty: it did not exist.
	Version  string `json:"version,omitempty"`
	Revision string `json:"revision,omitempty"` // as the cluster counts them, for a person
	Verb     string `json:"verb,omitempty"`
	Pods     int    `json:"pods,omitempty"`
}

// Preview is what a changing step will do, as the servers said.
type Preview struct {
	Commands []string `json:"commands,omitempty"` // exact, one a line
	Objects  []Object `json:"objects,omitempty"`
	Diff     string   `json:"diff,omitempty"`
	// Cut is set when Diff is not the whole one.
	Cut bool `json:"cut,omitempty"`
	// Disruption are remarks on pods and the budgets that protect them.
	Disruption []string `json:"disruption,omitempty"`
	Remarks    []string `json:"remarks,omitempty"`
	Undo       string   `json:"undo,omitempty"` // what undoing would do
}

// End is why a step ended.
type End string

// The ends of a step. EndUnknown means that Muster stopped while it ran: nobody
// knows how far it came. EndNotRun means that it was not begun.
const (
	EndDone      End = "done"
	EndFailed    End = "failed"
	EndRefused   End = "refused"
	EndDeadline  End = "deadline"
	EndMemory    End = "memory"
	EndOutput    End = "output"
	EndCancelled End = "cancelled"
	EndDied      End = "died"
	EndUnknown   End = "unknown"
	EndNotRun    End = "not run"
)

// Outcome is what came of a step.
type Outcome struct {
	End  End           `json:"end"`
	Exit int           `json:"exit,omitempty"`
	Why  string        `json:"why,omitempty"` // one sentence where it is not done
	Took time.Duration `json:"took,omitempty"`
	// Output is the beginning of what it printed, secrets masked; Size is the
	// whole in bytes, Ref its place in the evidence and SHA256 its hash.
	Output string `json:"output,omitempty"`
	Cut    bool   `json:"cut,omitempty"`
	Size   int    `json:"size,omitempty"`
	Ref    string `json:"ref,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Table is set where Output is laid out in columns.
	Table bool `json:"table,omitempty"`
	// Links are addresses that the step opens.
	Links   []string `json:"links,omitempty"`
	Remarks []string `json:"remarks,omitempty"`
	// Commands are those that ran, exactly.
	Commands []string `json:"commands,omitempty"`
	// Files are what it put into the evidence.
	Files []string `json:"files,omitempty"`
	// Check is "ok" or why the check after the change failed; empty: none.
	Check string `json:"check,omitempty"`
	// Journal names the evidence that undoing needs; empty: it cannot be undone,
	// UndoNote says why, or what undoing does.
	Journal  string `json:"journal,omitempty"`
	UndoNote string `json:"undo_note,omitempty"`
	// Said are the commands that it gave to the incident, and their answers.
	Said []string `json:"said,omitempty"`
}

// Phase is where a step that was asked for stands.
type Phase string

// The phases. Waiting waits for a person: to confirm, or to approve. Ready is
// approved, or in no need of it, and about to begin.
const (
	Previewing Phase = "previewing"
	Waiting    Phase = "waiting"
	Ready      Phase = "ready"
	Running    Phase = "running"
	Ended      Phase = "ended"
	Refused    Phase = "refused"
	Withdrawn  Phase = "withdrawn"
	Lapsed     Phase = "lapsed"
)

// Over tells whether nothing more happens.
func (p Phase) Over() bool {
	return p == Ended || p == Refused || p == Withdrawn || p == Lapsed
}

// StepRun is one time that a step was asked for, and where that stands.
type StepRun struct {
	N        int    `json:"n"`
	Playbook string `json:"playbook"`
	Book     string `json:"book,omitempty"` // the playbook's title
	Step     string `json:"step"`
	Title    string `json:"title"`
	Class    Effort `json:"class"`
	Command  string `json:"command"` // as people read it, values filled in
	Block    Block  `json:"block"`
	By       Person `json:"by"` // who asked
	// Sure is set once somebody who may operate asked for it.
	Sure bool `json:"sure,omitempty"`
	// SureAt is when that and what it would do were known, so that only a second
	// person was missing; zero: not yet.
	SureAt time.Time `json:"sure_at,omitzero"`
	// Approval is set where a second person must approve; Approvers were asked.
	Approval  bool     `json:"approval,omitempty"`
	Approvers []Person `json:"approvers,omitempty"`
	Phase     Phase    `json:"phase"`
	Preview   Preview  `json:"preview,omitzero"`
	// Digest is what an approval is bound to; empty: nothing was previewed yet.
	Digest string `json:"digest,omitempty"`
	// Until is when it lapses, unless it began.
	Until time.Time `json:"until,omitzero"`
	// Decided is who approved, refused or withdrew it.
	Decided   Person    `json:"decided,omitzero"`
	Reason    string    `json:"reason,omitempty"`
	AskedAt   time.Time `json:"asked_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Stopping is who asked to cancel it while it ran.
	Stopping Person  `json:"stopping,omitzero"`
	Outcome  Outcome `json:"outcome,omitzero"`
	// Undoes is the run that this one takes back; UndoneBy the one that took this
	// back or is about to. Zero: none.
	Undoes   int `json:"undoes,omitempty"`
	UndoneBy int `json:"undone_by,omitempty"`
	// Again counts how often something changed after it was shown.
	Again int `json:"again,omitempty"`
	// Seq is the last record about it, At where its message stands.
	Seq uint64 `json:"seq"`
	At  Spot   `json:"at,omitzero"`
	// Old are its earlier messages, without buttons.
	Old []Spot `json:"old,omitempty"`
}

// Tick is a check-list's entry that somebody ticked.
type Tick struct {
	Playbook string    `json:"playbook"`
	Item     string    `json:"item"`
	By       Person    `json:"by"`
	At       time.Time `json:"at"`
}

// OpenBook is a playbook that is shown in the incident, and where its sections
// stand; the first spot is its head.
type OpenBook struct {
	Playbook Playbook     `json:"playbook"`
	By       Person       `json:"by"`
	Seq      uint64       `json:"seq"`
	Spots    map[int]Spot `json:"spots,omitempty"`
}

// Shelf is all that an incident has to do with playbooks. The zero value:
// nothing.
type Shelf struct {
	Suggested []Suggestion `json:"suggested,omitempty"`
	Open      []OpenBook   `json:"open,omitempty"`
	// Values are parameters as they were last given.
	Values map[string]string `json:"values,omitempty"`
	Runs   []StepRun         `json:"runs,omitempty"` // newest last
	Asked  int               `json:"asked,omitempty"`
	Ticks  []Tick            `json:"ticks,omitempty"`
}

// Book finds a playbook that is shown.
func (s Shelf) Book(id string) (OpenBook, bool) {
	for _, b := range s.Open {
		if b.Playbook.ID == id {
			return b, true
		}
	}
	return OpenBook{}, false
}

// Run finds a run by its number.
func (s Shelf) Run(n int) (StepRun, bool) {
	for _, r := range s.Runs {
		if r.N == n {
			return r, true
		}
	}
	return StepRun{}, false
}

// Last is the newest run of a step; false: it was never asked for.
func (s Shelf) Last(playbook, step string) (StepRun, bool) {
	for i := len(s.Runs) - 1; i >= 0; i-- {
		if r := s.Runs[i]; r.Playbook == playbook && r.Step == step && r.Undoes == 0 {
			return r, true
		}
	}
	return StepRun{}, false
}

// Ticked finds who ticked an entry.
func (s Shelf) Ticked(playbook, item string) (Tick, bool) {
	for _, t := range s.Ticks {
		if t.Playbook == playbook && t.Item == item {
			return t, true
		}
	}
	return Tick{}, false
}

// Step finds a step of a playbook, and the number of its section from 1.
func (p Playbook) Step(id string) (Step, int, bool) {
	for i, section := range p.Sections {
		for _, step := range section.Steps {
			if step.ID == id {
				return step, i + 1, true
			}
		}
	}
	return Step{}, 0, false
}

// Item finds the text of a check-list's entry, and the number of its section
// from 1.
func (p Playbook) Item(id string) (string, int, bool) {
	name, number, _ := strings.Cut(id, ".")
	step, section, ok := p.Step(name)
	if !ok {
		return "", 0, false
	}
	for i, text := range step.Items {
		if strconv.Itoa(i+1) == number {
			return text, section, true
		}
	}
	return "", 0, false
}

// CanUndo tells whether a run changed something that can be put back, and
// nothing puts it back already.
func (r StepRun) CanUndo() bool {
	return r.Phase == Ended && r.Class == Changing && r.Outcome.Journal != "" && r.UndoneBy == 0
}
