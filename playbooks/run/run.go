// Package run performs one step of a playbook in a child process of the same binary, with a deadline and limits on
// memory and output, and says what came of it.
//
// It never decides whether a step may run, never keeps the record, never gives text to a shell of this machine, and
// never reads a file of it for a step.
package run

import (
	"encoding/json"
	"time"
)

// Mode is what is asked of the child. The zero value is no mode and refused.
type Mode string

// Modes.
const (
	// Check parses and names what would run, and reaches nothing outside.
	Check Mode = "check"
	// Preview asks the servers for a dry run: nothing changes.
	Preview Mode = "preview"
	// Read runs a step that was judged reading; a changing request inside it is refused.
	Read Mode = "read"
	// Change runs a step that a permitted person saw and approved.
	Change Mode = "change"
	// Undo puts back what Request.Undo says.
	Undo Mode = "undo"
)

// Kind is the language of a block.
type Kind string

// Kinds.
const (
	Bash   Kind = "bash"
	SQL    Kind = "sql"
	PromQL Kind = "promql"
	LogQL  Kind = "logql"
)

// Request is one step to perform. It is data: it goes to the child as JSON.
type Request struct {
	// Run names this performance. The same Run asked again while it is under way, or shortly after, is not performed
	// twice: it gets the first answer.
	Run  string
	Mode Mode
	Kind Kind
	// Code is the bound step's text (playbooks.Bound.Text): what people saw and approved is what runs. Values are in it
	// as quoted arguments.
	Code string
	// Statements are those of a sql block, in order (playbooks.Bound.Statements); empty: Code is the only one.
	Statements []string
	// Incident is the incident that `/incident` and `pagerduty-cli` speak of.
	Incident Incident
	Limits   Limits
	// DataSource names the PostgreSQL of a sql block; empty: "main".
	DataSource string
	// Namespace is where kubectl works when the command says nothing; empty: the credential's own, else "default".
	Namespace string
	// Seen are the objects that the approval is bound to, as Preview returned them in Result.Touches. When one of them
	// is different now, nothing runs and the Result is Changed. nil: nothing is bound.
	Seen []Object
	// Undo is the journal of an earlier Change, for Mode Undo.
	Undo json.RawMessage `json:",omitempty"`
	// Post is a block to run after the change, as a check of its success (reading; kubectl rollout status, a query).
	Post *PostCheck
	// Progress, when not nil, is called with the masked output so far, at most about once a second.
	Progress func(output []byte) `json:"-"`
}

// PostCheck says how to see whether a change worked.
type PostCheck struct {
	Kind Kind
	Code string
}

// Incident is what a step may know of its incident.
type Incident struct {
	ID          string // INC-3
	Title       string
	Severity    string
	Service     string
	PagerDuty   []string // keys of its PagerDuty incidents
	PublicTitle string   // what /incident may say outside; empty: Title
}

// Limits bound one performance. A zero field means the Runner's default.
type Limits struct {
	Deadline  time.Duration // from the child's start to its end
	MaxOutput int           // bytes that are kept; a step that prints four times as much is ended
	MaxMemory int64         // bytes of the child
	MaxRows   int           // rows of a table
}

// Ended is why a performance ended.
type Ended string

// Reasons.
const (
	Done      Ended = "done"      // it ran to its end with exit 0
	Failed    Ended = "failed"    // it ran to its end with another exit
	Refused   Ended = "refused"   // something in it does not exist here or is not allowed; what came before it has run
	Changed   Ended = "changed"   // an object is not as it was approved; the change was not made
	Deadline  Ended = "deadline"  // it hung
	Memory    Ended = "memory"    // it ate memory
	Output    Ended = "output"    // it printed without end
	Cancelled Ended = "cancelled" // somebody cancelled it, or the program is stopping
	Died      Ended = "died"      // the child died by itself
)

// Result is what came of a Request.
type Result struct {
	Ended Ended
	// Why is one plain sentence for a person when Ended is not Done; secrets are masked.
	Why string
	// Exit is the last command's status, or of a pipe that of the first that failed; -1 when there is none.
	Exit int
	// Output is what the step printed, secrets masked, at most Limits.MaxOutput bytes: Truncated, its beginning and its
	// end with a line between them that says so, or only the beginning where the step did not come to its end.
	Output    []byte
	Truncated bool
	// Commands are the commands as they would run or ran, one a line, parameters filled in and quoted, secrets masked.
	Commands []string
	// Table is the answer of a sql, promql or logql block; nil: none.
	Table *Table
	// Diff is the unified diff of a preview; empty: no object would differ.
	Diff string
	// Touches are the objects that the step changes (Preview: would change), with the versions seen before.
	Touches []Object
	// Disruption are remarks on pods that end and the budgets that protect them.
	Disruption []string
	// Remarks are other things a person should know before approving or after the run.
	Remarks []string
	// Undo is the journal that Mode Undo needs; nil: there is nothing to undo.
	Undo json.RawMessage `json:",omitempty"`
	// UndoNote says what undoing would do, or why it cannot.
	UndoNote string
	// Links are what `open` asked for.
	Links []string
	// Said is what the step asked to be said to the incident, in order; the parent does it as the person who ran it.
	Said []Said
	// Files are what the step put into the evidence.
	Files []File
	// Post is the outcome of Request.Post; nil: none was asked, or the step did not come to its end.
	Post *PostResult
	Took time.Duration
}

// Said is one thing to do in the incident.
type Said struct {
	// By is "incident" (the words of a command after /incident) or "pagerduty" (Words[0] is acknowledge or resolve).
	By    string
	Words []string
}

// Table is rows of text under names.
type Table struct {
	Columns []string
	Rows    [][]string
	// More says that there are rows beyond these.
	More bool
}

// Object is something in the cluster that a step touches.
type Object struct {
	Kind      string // Deployment
	Resource  string // deployments.apps
	Namespace string // empty: of the whole cluster
	Name      string
	UID       string // empty: it did not exist
	// ResourceVersion is the version seen; for a person. Version is what an approval is bound to.
	ResourceVersion string
	// Version is a digest of the object without what the cluster writes by itself (status, managed fields, counters);
	// empty: it did not exist.
	Version string
	// Verb is what happens to it: create, update, delete, evict, exec.
	Verb string
	// Pods is how many pods end or start anew.
	Pods int
}

// File is something for the evidence.
type File struct {
	Name   string
	SHA256 string // hex
	Data   []byte
}

// PostResult is how the check after a change ended.
type PostResult struct {
	OK     bool
	Output []byte
	Why    string
}
