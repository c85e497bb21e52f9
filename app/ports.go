package app

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/escalation/rota"
	"muster/incident"
	"muster/report/stats"
)

// doer lets the commands step incidents.
type doer struct{ incidents engine.Incidents }

func (d doer) Do(ctx context.Context, r commands.Request) (commands.Result, error) {
	done, err := d.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: r.Stream, New: r.New, Intent: r.Intent, Key: r.Key, Reply: r.Reply,
	})
	return commands.Result{Stream: done.Stream, Reply: done.Reply, Repeated: done.Repeated}, err
}

func (d doer) Seen(ctx context.Context, key string) ([]byte, bool) {
	reply, seen, err := d.incidents.Seen(ctx, key)
	return reply, seen && err == nil
}

// reader lets the commands read incidents.
type reader struct{ incidents engine.Incidents }

func (r reader) State(ctx context.Context, id string) (incident.Incident, error) {
	s, err := r.incidents.State(ctx, id)
	return s, cmp.Or(err, s.Gone())
}

func (r reader) History(ctx context.Context, id string) ([]incident.Record, error) {
	return r.incidents.History(ctx, id)
}

func (r reader) Open() []incident.Incident { return r.incidents.OpenIncidents() }

func (r reader) ByPlace(channel, thread string) (string, bool) {
	return r.incidents.ByPlace(context.Background(), channel, thread)
}

func (r reader) List(ctx context.Context, all bool, limit int) ([]commands.Summary, error) {
	if !all {
		var out []commands.Summary
		for _, s := range r.incidents.OpenIncidents() {
			if out = append(out, summary(engine.Summarise(s))); len(out) == limit {
				break
			}
		}
		return out, nil
	}
	list, err := r.incidents.List(ctx, limit)
	if err != nil {
		return nil, err
	}
	out := make([]commands.Summary, len(list))
	for i, s := range list {
		out[i] = summary(s)
	}
	return out, nil
}

// LastDrill is how the last resolved drill went.
func (r reader) LastDrill(ctx context.Context) (incident.Score, error) {
	list, err := r.incidents.List(ctx, 0)
	if err != nil {
		return incident.Score{}, err
	}
	for _, s := range list {
		if s.Score.ID != "" && !s.Circle.Private {
			return s.Score, nil
		}
	}
	return incident.Score{}, nil
}

// Rows gives what statistics need of every incident that is no drill, not
// imported and not private: who is counted could be guessed.
func (r reader) Rows(ctx context.Context) ([]stats.Row, error) {
	list, err := r.incidents.List(ctx, 0)
	if err != nil {
		return nil, err
	}
	out := make([]stats.Row, 0, len(list))
	for _, s := range list {
		if !s.Drill && !s.Circle.Private && s.Imported.From == "" {
			out = append(out, stats.Row{
				ID: s.ID, Title: s.Title, Severity: s.Severity, Service: s.Service, DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt,
				Reopens: s.Reopens, Tally: s.Tally, Merged: s.MergedInto != "",
			})
		}
	}
	return out, nil
}

func summary(s engine.Summary) commands.Summary {
	return commands.Summary{
		ID: s.ID, Title: s.Title, Severity: s.Severity, Status: s.Status, Service: s.Service,
		DeclaredAt: s.DeclaredAt, ResolvedAt: s.ResolvedAt, Commander: s.Commander, MergedInto: s.MergedInto, Drill: s.Drill, Circle: s.Circle,
	}
}

// AddOverride puts an override on record.
func (d desk) AddOverride(ctx context.Context, o rota.Override, key string) (rota.Override, error) {
	made, err := say[incident.OverrideMade](ctx, d, incident.MakeOverride{Override: incident.Override{
		Role: o.Role, From: o.From, Until: o.Until, Who: o.Who, Instead: o.Instead, By: o.By, Reason: o.Reason,
	}}, key)
	o.ID, o.At = made.ID, made.At
	return o, err
}

// AskSwap puts a question on record; the other person is told.
func (d desk) AskSwap(ctx context.Context, s commands.Swap, key string) (commands.Swap, error) {
	asked, err := say[incident.SwapAsked](ctx, d, incident.AskSwap{Swap: incident.Swap(s)}, key)
	return commands.Swap(asked.Swap), err
}

// AnswerSwap puts the answer on record; who asked is told.
func (d desk) AnswerSwap(ctx context.Context, id string, by incident.Person, accept bool, _ time.Time, key string) (commands.Swap, error) {
	answered, err := say[incident.SwapAnswered](ctx, d, incident.AnswerSwap{ID: id, By: by, Accept: accept}, key)
	return commands.Swap(answered.Swap), err
}

// AcceptShift puts on record that whoever took over knows it.
func (d desk) AcceptShift(ctx context.Context, role string, by incident.Person, key string) error {
	_, err := say[incident.ShiftAccepted](ctx, d, incident.AcceptShift{Role: role, By: by}, key)
	return err
}

// say takes one step of the desk and gives the fact that came of it, also when
// the same request comes again.
func say[E incident.Event](ctx context.Context, d desk, in incident.Intent, key string) (fact E, err error) {
	r, err := d.engine.Do(ctx, engine.Request[incident.Desk]{
		Stream: engine.DeskStream, Intent: in, Key: key,
		Reply: func(_ incident.Desk, events []incident.Event) []byte {
			body, _ := json.Marshal(events[0])
			return body
		},
	})
	if err != nil {
		return fact, err
	}
	if !r.Repeated {
		d.roster.remember(r.State)
	}
	return fact, json.Unmarshal(r.Reply, &fact)
}

// publicOpen lists the open incidents that everybody may see, newest first.
func (p *Program) publicOpen() []incident.Incident {
	var out []incident.Incident
	for _, s := range p.incidents.OpenIncidents() {
		if s.VisibleTo(incident.Person{}) {
			out = append(out, s)
		}
	}
	return out
}

// plan is what the configuration of the day gives an incident for its life.
func plan(cfg *config.Config) incident.Plan {
	p := incident.Plan{
		Ladder: cfg.Ladder, Cadence: cfg.Cadence, Incidents: cfg.Channels.Incidents, Operations: cfg.Channels.Operations,
		Notify: map[incident.Severity][]incident.Channel{}, Watch: watchPlan(cfg), Stakeholders: cfg.Postmortem.Invite, Impact: cfg.Postmortem.Impact,
	}
	for _, s := range incident.Severities {
		if cfg.IncidentChannel[s] {
			p.Room = append(p.Room, s)
		}
		for _, c := range cfg.Notify[s.Class()] {
			if c.Type == "slack" {
				p.Notify[s] = append(p.Notify[s], incident.Channel{Name: c.Channel, Mention: c.Mention})
			}
		}
	}
	return p
}

// planWithMail is the plan where there is mail: classes may name it.
func planWithMail(cfg *config.Config) incident.Plan {
	p := plan(cfg)
	for _, s := range incident.Severities {
		for _, c := range cfg.Notify[s.Class()] {
			if c.Type == "email" {
				p.Notify[s] = append(p.Notify[s], incident.Channel{Mail: strings.Join(c.To, ",")})
			}
		}
	}
	return p
}

// permissions turns the configuration's subjects into the commands' words.
func permissions(cfg *config.Config) commands.Permissions {
	out := commands.Permissions{}
	for p, subjects := range cfg.Permissions {
		for _, s := range subjects {
			out[commands.Permission(p)] = append(out[commands.Permission(p)], s.String())
		}
	}
	return out
}
