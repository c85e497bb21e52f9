package app

import (
	"context"
	"strings"
	"time"

	"muster/incident"
)

// people finds persons in the rotas alone, for questions without Slack.
type people struct{ roster *roster }

func (p *people) Find(_ context.Context, text string, by incident.Person) (incident.Person, error) {
	if strings.EqualFold(text, "me") {
		return by, nil
	}
	if m, ok := p.roster.Schedule().Find(text); ok {
		return m.Person(), nil
	}
	return incident.Person{}, incident.Refusal{
		Code: "unknown", Text: text + " is in no rota.", Hint: "Use the e-mail address or handle of oncall/rotation.yaml.",
	}
}

func (p *people) InGroup(context.Context, string, incident.Person) (bool, error) { return false, nil }

func (p *people) Zone(who incident.Person) *time.Location {
	m, _ := p.roster.Schedule().Member(who)
	return m.Zone
}
