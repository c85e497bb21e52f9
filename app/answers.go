package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"muster/engine"
	"muster/incident"
	"muster/notify"
	"muster/notify/pagerduty"
	"muster/notify/phone"
)

// answer records what a person said over a channel.
func (p *Program) answer(ctx context.Context, a notify.Answer) error {
	if a.Incident == testIncident {
		p.log.Info("a test page was answered", "person", a.Person.Name, "via", a.Via)
		p.tests.answered(a.Person)
		return nil
	}
	if strings.HasPrefix(a.Incident, engine.AlertPrefix) {
		return p.answerAlerts(ctx, a)
	}
	who := a.Person
	if m, ok := p.roster.Schedule().Member(who); ok {
		who = m.Person()
	}
	var in incident.Intent
	switch a.Kind {
	case notify.Acknowledge:
		in = incident.Acknowledge{By: who, Via: a.Via, Said: a.Said}
	case notify.Escalate:
		in = incident.Escalate{By: who, Reason: strings.TrimSpace("asked for over " + a.Via + " " + a.Said)}
	case notify.Resolve:
		in = incident.Resolve{By: who, Cause: "resolved over " + a.Via}
	default:
		return incident.Refusal{Code: "usage", Text: "That answer is not known."}
	}
	_, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: a.Incident, Intent: in, Key: a.Via + ":" + a.Key,
		Reply: func(incident.Incident, []incident.Event) []byte { return nil },
	})
	p.metrics.commands.WithLabelValues(a.Via, refusalCode(err)).Inc()
	return err
}

func refusalCode(err error) string {
	var r incident.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return r.Code
	default:
		return "fault"
	}
}

// heard notes how a call ended, for the record.
func (p *Program) heard(ctx context.Context, c phone.Progress) {
	if c.Incident == testIncident || strings.HasPrefix(c.Incident, engine.AlertPrefix) {
		return
	}
	var how string
	switch {
	case strings.HasPrefix(c.AnsweredBy, "machine"):
		how = "was answered by a machine"
	case c.State == "completed":
		how = "was answered"
	case c.State == "no-answer":
		how = "was not answered"
	case c.State == "busy":
		how = "found the line busy"
	case c.State == "failed":
		p.neverRang(ctx, c)
		return
	case c.State == "canceled":
		how = "did not come about"
	default:
		return
	}
	_, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: c.Incident, Key: "call:" + c.Ref + ":" + c.State,
		Intent: incident.Note{
			By: incident.Self, Text: fmt.Sprintf("The call to %s %s.", p.contact(c.Person).Person, how), Source: incident.CallSource + c.Ref,
		},
	})
	if err != nil {
		p.log.Warn("how a call ended was not recorded", "incident", c.Incident, "error", err)
	}
}

// neverRang puts on record that a call which the provider took could not be
// made, so that the page goes on to the next way at once.
func (p *Program) neverRang(ctx context.Context, c phone.Progress) {
	_, err := p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: c.Incident, Key: "call:" + c.Ref + ":" + c.State,
		Intent: incident.Settled{
			Effect: incident.Page{Attempt: c.Attempt, Method: "phone"}, State: incident.PageFailed,
			Reason: "the call could not be made", Receipt: incident.Receipt{Ref: c.Ref},
		},
	})
	if err != nil {
		p.log.Warn("a call that never rang was not recorded", "incident", c.Incident, "error", err)
	}
}

// byPhone finds the person with a number.
func (p *Program) byPhone(number string) (incident.Person, bool) {
	for _, m := range p.roster.Schedule().Members() {
		if m.Phone == number {
			return m.Person(), true
		}
	}
	return incident.Person{}, false
}

// byPagerDuty finds the person with a PagerDuty user ID.
func (p *Program) byPagerDuty(id string) (incident.Person, bool) {
	for _, m := range p.roster.Schedule().Members() {
		if m.PagerDuty != "" && m.PagerDuty == id {
			return m.Person(), true
		}
	}
	return incident.Person{}, false
}

// openPages are the pages whose answers PagerDuty is asked for.
func (p *Program) openPages(context.Context) ([]pagerduty.Open, error) {
	out := p.tests.open()
	for _, s := range p.incidents.OpenIncidents() {
		for _, ref := range s.Origins("pagerduty") {
			out = append(out, pagerduty.Open{Ref: ref, Incident: s.ID})
		}
		for _, page := range s.Climb.Pages {
			for _, m := range page.Methods {
				if m.Method == "pagerduty" && m.Ref != "" && m.State != incident.PageFailed {
					out = append(out, pagerduty.Open{
						Ref: m.Ref, Incident: s.ID, Level: page.Level, Person: page.Person, Attempt: page.Attempt, Since: page.At,
					})
				}
			}
		}
	}
	return out, nil
}

// lostPage puts on record that PagerDuty does not have a page that it took, so
// that the page goes on to the next way. Nobody waits for one that was answered.
func (p *Program) lostPage(ctx context.Context, o pagerduty.Open, why string) error {
	if o.Attempt == 0 || o.Incident == testIncident { // what the incident came from, or a test
		return nil
	}
	s, err := p.incidents.State(ctx, o.Incident)
	if err != nil || s.Acked() || !s.Open() {
		return err
	}
	_, err = p.incidents.Do(ctx, engine.Request[incident.Incident]{
		Stream: o.Incident, Key: fmt.Sprintf("lost:%s:%d", o.Ref, o.Attempt),
		Intent: incident.Settled{
			Effect: incident.Page{Attempt: o.Attempt, Method: "pagerduty"}, State: incident.PageFailed, Reason: why, Receipt: incident.Receipt{Ref: o.Ref},
		},
	})
	return err
}
