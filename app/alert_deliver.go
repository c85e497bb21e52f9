package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"muster/bot"
	"muster/bot/render"
	"muster/commands"
	"muster/engine"
	"muster/incident"
	"muster/notify"
	"muster/notify/email"
	"muster/outbox"
)

// deliverAlert brings an effect of alerts to where it goes; false: it is none.
func (p *Program) deliverAlert(ctx context.Context, d outbox.Delivery, effect incident.Effect, maybeSent bool) (receipt []byte, ours bool, err error) {
	var r incident.Receipt
	switch e := effect.(type) {
	case incident.OpenIncident:
		r, err = p.intake.open(ctx, d, e)
	case incident.Inform:
		err = p.intake.inform(ctx, d, e)
	case incident.Fold:
		err = p.intake.tell(ctx, d, e.Incident, incident.Merge{By: incident.Self, Into: e.Into})
	case incident.AlertMail:
		err = p.mailAlert(ctx, d, e, maybeSent)
	case incident.AlertPage:
		r, err = p.pageAlert(ctx, d, e, maybeSent)
	case incident.AlertSilence:
		r, err = p.silence(ctx, d, e, maybeSent)
	case incident.AlertUnsilence:
		err = p.unsilence(ctx, e)
	case incident.AlertChart:
		r, err = p.chartAlert(ctx, d, e)
	case incident.AlertPost:
		receipt, err = p.slackAlert(ctx, d, e, 0, maybeSent)
		return receipt, true, err
	case incident.AlertRefresh:
		receipt, err = p.slackAlert(ctx, d, e, 0, maybeSent)
		return receipt, true, err
	case incident.AlertThread:
		receipt, err = p.slackAlert(ctx, d, e, e.Seq, maybeSent)
		return receipt, true, err
	case incident.AlertOperations:
		receipt, err = p.slackAlert(ctx, d, e, e.Seq, maybeSent)
		return receipt, true, err
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	receipt, err = json.Marshal(r)
	return receipt, true, err
}

// slackAlert brings a group's effect to Slack.
func (p *Program) slackAlert(ctx context.Context, d outbox.Delivery, e incident.Effect, seq uint64, maybeSent bool) ([]byte, error) {
	g, err := p.intake.groups.State(ctx, d.Stream)
	if err != nil {
		return nil, outbox.NotSentError{Err: err}
	}
	a := bot.Alert{Delivery: d, MaybeSent: maybeSent, View: p.alertView(ctx, g), Operations: p.opt.Live.Get().Channels.Operations}
	if seq != 0 {
		if a.Record, err = recordOf(ctx, p.intake.groups.History, d.Stream, seq); err != nil {
			return nil, err
		}
	}
	return p.bot.DeliverAlert(ctx, a, e)
}

// alertView is what a group's message shows.
func (p *Program) alertView(ctx context.Context, g incident.AlertGroup) render.AlertGroup {
	v := render.AlertGroup{Group: g}
	if g.Incident != "" {
		if s, err := p.incidents.State(ctx, g.Incident); err == nil {
			v.Incident = s.Outside()
		}
	}
	for _, w := range p.intake.Lookout().Windows {
		if w.ID == g.Window {
			v.Window = w
		}
	}
	v.Playbook, _ = p.playbookFor(g.Lead())
	return v
}

// recordOf finds one record of a stream.
func recordOf(ctx context.Context, history func(context.Context, string) ([]incident.Record, error), stream string, seq uint64) (incident.Record, error) {
	all, err := history(ctx, stream)
	if err != nil {
		return incident.Record{}, outbox.NotSentError{Err: err}
	}
	for _, r := range all {
		if r.Seq == seq {
			return r, nil
		}
	}
	return incident.Record{}, outbox.PermanentError{Reason: fmt.Sprintf("%s has no record %d", stream, seq)}
}

// open declares the incident that a record asks for, or finds the open one
// that the alerts belong to by now.
func (in *intake) open(ctx context.Context, d outbox.Delivery, e incident.OpenIncident) (incident.Receipt, error) {
	in.declaring.Lock()
	defer in.declaring.Unlock()
	if strings.HasPrefix(d.Stream, engine.LookoutPrefix) {
		return in.openForLookout(ctx, d, e)
	}
	g, err := in.groups.State(ctx, d.Stream)
	if err != nil {
		return incident.Receipt{}, outbox.NotSentError{Err: err}
	}
	w := g.Declaring
	if w.By.Nobody() {
		if id, why := in.program.triage().Joins(g.Firing(), in.Open()); id != "" {
			return incident.Receipt{Ref: id, Name: why}, nil
		}
	}
	id, err := in.declare(ctx, d, incident.Declare{
		Title: w.Title, Severity: w.Severity, Chosen: w.Why, Service: w.Service, Impact: cutText(w.Impact), By: w.By,
	})
	return incident.Receipt{Ref: id}, err
}

func (in *intake) openForLookout(ctx context.Context, d outbox.Delivery, e incident.OpenIncident) (incident.Receipt, error) {
	r, err := recordOf(ctx, in.look.History, d.Stream, e.Seq)
	if err != nil {
		return incident.Receipt{}, err
	}
	switch what := r.Event.(type) {
	case incident.StormBegan:
		id, err := in.declare(ctx, d, incident.Declare{
			Title:    fmt.Sprintf("Storm of alerts: %d within %s", what.Alerts, commands.Span(what.Within)),
			Severity: what.Severity, Chosen: "a storm of alerts",
		})
		return incident.Receipt{Ref: id, Name: "storm"}, err
	case incident.WatchdogMissing:
		id, err := in.declare(ctx, d, incident.Declare{
			Title:    fmt.Sprintf("Alerting is silent: %s was not heard for %s", what.Name, commands.Span(what.For)),
			Severity: incident.P1, Chosen: "the watchdog is absent", Service: "monitoring",
			Impact: "Prometheus or Alertmanager may be down: alerts may not arrive.",
		})
		return incident.Receipt{Ref: id, Name: "watchdog"}, err
	default:
		return incident.Receipt{}, outbox.PermanentError{Reason: "that record declares nothing"}
	}
}

// declare opens an incident once for a delivery, and gives its name.
func (in *intake) declare(ctx context.Context, d outbox.Delivery, what incident.Declare) (string, error) {
	what.Plan = in.program.plan()
	done, err := in.program.incidents.Do(ctx, engine.Request[incident.Incident]{
		New: true, Intent: what, Key: "alerts:" + d.ID,
		Reply: func(s incident.Incident, _ []incident.Event) []byte { return []byte(s.ID) },
	})
	var refusal incident.Refusal
	switch {
	case errors.As(err, &refusal):
		return "", outbox.PermanentError{Reason: refusal.Error()}
	case err != nil:
		return "", outbox.NotSentError{Err: err}
	}
	in.program.metrics.declared.WithLabelValues("alerts").Inc()
	return string(done.Reply), nil
}

// cutText keeps a foreign text within what an incident takes.
func cutText(text string) string {
	if r := []rune(text); len(r) > incident.MaxText {
		return string(r[:incident.MaxText-1]) + "…"
	}
	return text
}

// inform tells an incident how its alerts stand: all of them, so that one
// telling does for many that wait.
func (in *intake) inform(ctx context.Context, d outbox.Delivery, e incident.Inform) error {
	if strings.HasPrefix(d.Stream, engine.LookoutPrefix) {
		return in.tell(ctx, d, e.Incident, incident.Note{By: incident.Self, Text: "The watchdog is heard again: alerts arrive."})
	}
	defer in.informing.lock(e.Incident)()
	s, err := in.program.incidents.State(ctx, e.Incident)
	var refusal incident.Refusal
	switch {
	case errors.As(err, &refusal):
		return outbox.PermanentError{Reason: refusal.Error()}
	case err != nil:
		return outbox.NotSentError{Err: err}
	}
	own, err := in.groups.State(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	ref := refFor(own, e.Incident)
	for _, known := range s.Alerts {
		if known.Group == own.ID && known.Same(ref) {
			return nil
		}
	}
	refs := []incident.AlertRef{ref}
	for _, g := range in.groups.Open() {
		if g.Incident == e.Incident && g.ID != own.ID {
			refs = append(refs, refFor(g, e.Incident))
		}
	}
	return in.tell(ctx, d, e.Incident, incident.TellAlerts{Alerts: refs})
}

// follow moves the alerts of an incident that was merged to the one that goes
// on.
func (in *intake) follow(ctx context.Context, d outbox.Delivery, from, to string, by incident.Person) error {
	for _, g := range in.groups.Open() {
		if g.Incident != from {
			continue
		}
		_, err := in.groups.Do(ctx, engine.Request[incident.AlertGroup]{
			Stream: g.ID, Intent: incident.JoinAlerts{By: by, Incident: to, Why: from + " was merged into it"}, Key: "delivery:" + d.ID + ":" + g.ID,
			Reply: func(incident.AlertGroup, []incident.Event) []byte { return nil },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refFor is what an incident is told of a group.
func refFor(g incident.AlertGroup, id string) incident.AlertRef {
	r := g.Ref()
	r.Why = g.JoinedWhy
	r.Gone = g.Incident != id && g.Incident != ""
	return r
}

func (in *intake) tell(ctx context.Context, d outbox.Delivery, id string, what incident.Intent) error {
	_, err := in.program.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: id, Intent: what, Key: "alerts:" + d.ID, Reply: func(incident.Incident, []incident.Event) []byte { return nil },
	})
	var refusal incident.Refusal
	if errors.As(err, &refusal) {
		return outbox.PermanentError{Reason: refusal.Error()}
	}
	return err
}

// mailAlert tells a class's addresses, or whoever is on call, of a group.
func (p *Program) mailAlert(ctx context.Context, d outbox.Delivery, e incident.AlertMail, maybeSent bool) error {
	if p.channels.email == nil {
		return outbox.PermanentError{Reason: "not configured"}
	}
	g, err := p.intake.groups.State(ctx, d.Stream)
	if err != nil {
		return outbox.NotSentError{Err: err}
	}
	var to []string
	for address := range strings.SplitSeq(e.Channel.Mail, ",") {
		if address != "" {
			to = append(to, address)
		}
	}
	if len(to) == 0 {
		who, _ := p.intake.OnCall(p.now(), []string{"email"})
		if address := p.contact(who).Email; address != "" {
			to = []string{address}
		}
	}
	if len(to) == 0 {
		return outbox.PermanentError{Reason: "nobody on call has a mail address"}
	}
	link := ""
	if len(g.Posts) > 0 {
		link = p.bot.Link(g.Posts[0].Spot)
	}
	_, err = p.channels.email.Alert(ctx, email.Alert{Delivery: d.ID, To: to, Group: g, Link: link, Now: p.now()}, maybeSent)
	return err
}

// pageAlert wakes a person for alerts that declare no incident.
func (p *Program) pageAlert(ctx context.Context, d outbox.Delivery, e incident.AlertPage, maybeSent bool) (incident.Receipt, error) {
	channel, ok := p.channels.of(e.Method)
	if !ok {
		return incident.Receipt{}, outbox.PermanentError{Reason: "not configured"}
	}
	g, err := p.intake.groups.State(ctx, d.Stream)
	if err != nil {
		return incident.Receipt{}, outbox.NotSentError{Err: err}
	}
	m := notify.Message{
		Delivery: d.ID, Dedup: fmt.Sprintf("%s/alert-%d/%s", g.ID, g.Episode, e.Person.Key), Incident: asIncident(g),
		Page: incident.Page{Attempt: 1, Person: e.Person, Method: e.Method, Why: "alerts", At: d.At},
		To:   p.contact(e.Person), Public: p.opt.Env.MusterPublicURL, Now: p.now(),
	}
	if len(g.Posts) > 0 {
		m.Link = p.bot.Link(g.Posts[0].Spot)
	}
	return channel.Deliver(ctx, m, maybeSent)
}

// asIncident is a group in the shape that the ways to page know.
func asIncident(g incident.AlertGroup) incident.Incident {
	return incident.Incident{
		ID: g.ID, Seq: g.Seq, Title: g.Title(), Service: g.Service(), Impact: cutText(g.Lead().Description), Severity: g.Worst().Declares(),
		Status: incident.Investigating, DeclaredAt: g.Began,
	}
}
