package commands

import (
	"context"
	"time"

	"muster/escalation/rota"
	"muster/incident"
	"muster/report/stats"
)

// Request asks for one step of one incident.
type Request struct {
	// Stream is the incident's ID; empty with New, which declares one.
	Stream string
	New    bool
	Intent incident.Intent
	// Key is the request's key; empty: none.
	Key string
	// Reply makes the answer that is stored with the key, in the same commit.
	// The events are those of the whole step.
	Reply func(after incident.Incident, events []incident.Event) []byte
}

// Result is what came of a Request.
type Result struct {
	Stream string
	// Reply is what Request.Reply made; nil when nothing was recorded.
	Reply []byte
	// Repeated is set when the key was known: Reply is the first answer.
	Repeated bool
}

// Doer performs a step. Its error is an incident.Refusal for people; anything
// else is a fault, and nothing was recorded.
type Doer interface {
	Do(ctx context.Context, r Request) (Result, error)
	// Seen gives the stored answer of a request's key.
	Seen(ctx context.Context, key string) (reply []byte, ok bool)
}

// Reader reads incidents.
type Reader interface {
	// State refuses with the code "unknown" when there is none.
	State(ctx context.Context, id string) (incident.Incident, error)
	History(ctx context.Context, id string) ([]incident.Record, error)
	// Open lists the open ones, newest first.
	Open() []incident.Incident
	// ByPlace says which incident a channel, or a thread in it, belongs to.
	ByPlace(channel, thread string) (id string, ok bool)
}

// Summary is an incident as a list shows it.
type Summary struct {
	ID         string            `json:"id"`
	Title      string            `json:"title"`
	Severity   incident.Severity `json:"severity"`
	Status     incident.Status   `json:"status"`
	Service    string            `json:"service,omitempty"`
	DeclaredAt time.Time         `json:"declared_at"`
	ResolvedAt time.Time         `json:"resolved_at,omitzero"`
	Commander  incident.Person   `json:"commander,omitzero"`
	MergedInto string            `json:"merged_into,omitempty"`
	Drill      bool              `json:"drill,omitempty"`
	// Circle says who may see it.
	Circle incident.Circle `json:"-"`
}

// Lister lists incidents, newest first: the open ones, or all.
type Lister interface {
	List(ctx context.Context, all bool, limit int) ([]Summary, error)
}

// People knows who is meant and who is where.
type People interface {
	// Find understands <@U123>, <@U123|name>, @handle, an e-mail address and
	// "me"; by is who asks. Its error is a Refusal.
	Find(ctx context.Context, text string, by incident.Person) (incident.Person, error)
	// InGroup tells whether a person is in a user group such as "@sre".
	InGroup(ctx context.Context, group string, p incident.Person) (bool, error)
	// Zone is the person's; nil: not known.
	Zone(p incident.Person) *time.Location
}

// Rotas gives who is on call by plan, and what was changed by hand.
type Rotas interface {
	Schedule() rota.Schedule
	// Overrides lists all that are recorded, oldest first.
	Overrides() []rota.Override
}

// Swap is a shift that one person asks another to take.
type Swap struct {
	ID   string          `json:"id,omitempty"` // the desk gives it
	Role string          `json:"role"`
	By   incident.Person `json:"by"` // asks, and is replaced
	With incident.Person `json:"with"`
	At   time.Time       `json:"at"`
	// From until before Until, With takes the place of By.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// BackFrom until before BackUntil, By takes the place of With; zero:
	// nothing in return.
	BackFrom  time.Time `json:"back_from,omitzero"`
	BackUntil time.Time `json:"back_until,omitzero"`
}

// Desk keeps overrides, swaps and hand-overs. A key that it has seen changes nothing and
// gives the first answer. Its errors are Refusals for people.
type Desk interface {
	AddOverride(ctx context.Context, o rota.Override, key string) (rota.Override, error)
	// AskSwap tells the other person, who accepts or declines.
	AskSwap(ctx context.Context, s Swap, key string) (Swap, error)
	AnswerSwap(ctx context.Context, id string, by incident.Person, accept bool, at time.Time, key string) (Swap, error)
	// AcceptShift says that a person who took over a role knows it.
	AcceptShift(ctx context.Context, role string, by incident.Person, key string) error
}

// Playbooks finds the one that fits.
type Playbooks interface {
	Match(title, service string) (severity incident.Severity, playbook string, ok bool)
}

// Statistics gives what looking back needs of every incident that counts: no
// drills.
type Statistics interface {
	Rows(ctx context.Context) ([]stats.Row, error)
}

// Drills remembers exercises.
type Drills interface {
	// LastDrill is how the last resolved one went; the zero Score: there was
	// none.
	LastDrill(ctx context.Context) (incident.Score, error)
}

// Config is what the commands need. Any part may be nil: what needs it then
// says that it is not configured.
type Config struct {
	Doer      Doer
	Reader    Reader
	Lister    Lister
	People    People
	Rotas     Rotas
	Desk      Desk
	Playbooks Playbooks
	Stats     Statistics
	// Draw makes the charts of statistics, week by week; nil: there are none.
	Draw     func([]stats.Span) ([]File, error)
	Drills   Drills
	Runbooks Runbooks
	Alerts   Alerts
	Lookout  Lookout
	// Rules are asked by simulate, with nobody answering.
	Rules []incident.Rule
	// Plan gives what an incident gets for its life when it is declared.
	Plan        func(incident.Severity) incident.Plan
	Default     func() incident.Severity
	Permissions func() Permissions
	// Missing says, by method, why a person cannot be reached over it; nil:
	// whatever has an address works.
	Missing func(p incident.Person) map[string]string
	// TestPage pages a person as a test, and answers with what each way to reach
	// them said.
	TestPage func(ctx context.Context, p incident.Person) Reply
	// Fault hears of errors that a person is only told exist; nil: nobody.
	Fault func(err error)
}

// Commands answers calls. It is safe for concurrent use when its parts are.
type Commands struct{ Config }

// New gives the commands over their parts.
func New(c Config) *Commands { return &Commands{Config: c} }
