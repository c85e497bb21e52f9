package bot

import (
	"slices"
	"strings"

	"muster/incident"
)

// Member is a person of the rotas and what they are called in Slack.
type Member struct {
	Person incident.Person
	// Slack is "@handle" or a user ID; empty: only the address finds them.
	Slack string
}

func (m Member) is(u User) bool {
	return m.Slack != "" && (strings.EqualFold(m.Slack, "@"+u.Handle) || m.Slack == u.ID)
}

func (d *Directory) team() []Member {
	if d.members == nil {
		return nil
	}
	return d.members()
}

// person gives who a Slack user is: by the address, else the member of the
// rotas who has this handle and whose own address Slack does not know, so that
// whoever was paged is the same person as the one who answers.
func (d *Directory) person(u User) incident.Person {
	team := d.team()
	p := incident.Person{Key: "slack:" + u.ID, Name: u.Name}
	if u.Email != "" {
		p.Key = u.Email
	}
	if slices.ContainsFunc(team, func(m Member) bool { return m.Person.Is(p) }) {
		return p
	}
	for _, m := range team {
		if _, elsewhere := d.exactly(m.Person); m.is(u) && (!elsewhere || strings.HasPrefix(m.Person.Key, "slack:")) {
			return m.Person
		}
	}
	return p
}

// byHandle finds the Slack user whom the rotas name as a person's, unless that
// user's address is another member's.
func (d *Directory) byHandle(p incident.Person) (User, bool) {
	team := d.team()
	i := slices.IndexFunc(team, func(m Member) bool { return m.Slack != "" && m.Person.Is(p) })
	if i < 0 {
		return User{}, false
	}
	u, ok := d.exactly(incident.Person{Key: "slack:" + strings.ToLower(team[i].Slack)})
	if !strings.HasPrefix(team[i].Slack, "@") {
		u, ok = d.exactly(incident.Person{Key: "slack:" + team[i].Slack})
	}
	if !ok || slices.ContainsFunc(team, func(m Member) bool { return u.Email != "" && m.Person.Key == u.Email && !m.Person.Is(p) }) {
		return User{}, false
	}
	return u, true
}
