package render

import (
	"fmt"
	"time"

	"muster/incident"
)

// Home is what the home tab of one person shows.
type Home struct {
	Person incident.Person
	// Open are the open incidents, newest first.
	Open []incident.Incident
	// OnCall says who is on call for each role.
	OnCall []OnCall
	// FollowUps are the person's, the most urgent first.
	FollowUps []FollowUp
	// Alerts are the groups of alerts that fire, the worst first.
	Alerts []incident.AlertGroup
}

// OnCall is one role's person and until when; the zero time: without end.
type OnCall struct {
	Role   string
	Person incident.Person
	Until  time.Time
}

// Home is the home tab: open incidents, my pages, who is on call, and what one
// can do.
func (f Frame) Home(h Home) View {
	blocks := []Object{header("Incidents"), actions("home", button(ActCreate, "Declare incident", "create", primary))}
	if len(h.Open) == 0 {
		blocks = append(blocks, section("Nothing is open. All quiet."))
	}
	const mostOpen = 20
	for i, s := range h.Open {
		if i == mostOpen {
			blocks = append(blocks, small(fmt.Sprintf("%d more; see `/incident list`.", len(h.Open)-mostOpen)))
			break
		}
		blocks = append(blocks, f.homeIncident(s, i)...)
	}
	if waiting := f.waitingSteps(h); len(waiting) > 0 {
		blocks = append(append(blocks, header("Waiting for approval")), waiting...)
	}
	blocks = append(blocks, f.homeAlerts(h)...)
	if mine := f.myPages(h); len(mine) > 0 {
		blocks = append(append(blocks, header("Your pages")), mine...)
	}
	blocks = append(blocks, f.homeFollowUps(h)...)
	blocks = append(blocks, header("On call"), section(f.onCallText(h.OnCall)),
		small("`/incident help` lists every command. In a thread write `@muster update …`."))
	return View{Type: "home", Blocks: blocks}
}

func (f Frame) homeIncident(s incident.Incident, i int) []Object {
	text := fmt.Sprintf("*%s* %s · %s · %s\nCommander %s · declared %s", f.titled(s), s.Severity, short(line2(s.Title), 300), line(string(s.Status)),
		name(s.Holder(incident.Commander)), at(s.DeclaredAt))
	if s.Acked() {
		text += " · 👍 " + by(s.Acks[len(s.Acks)-1].By)
	}
	return []Object{section(text), actions(fmt.Sprintf("home:%d", i),
		button(ActAck, "Acknowledge", s.ID, usual), button(ActUpdate, "Post update", s.ID, usual), button(ActResolve, "Resolve", s.ID, usual))}
}

// myPages lists the newest pages to the person in open incidents that they
// have not acknowledged.
func (f Frame) myPages(h Home) []Object {
	const most = 10
	var out []Object
	for _, s := range h.Open {
		if len(out) == most || s.AckedBy(h.Person) {
			continue
		}
		for i := len(s.Climb.Pages) - 1; i >= 0; i-- {
			if p := s.Climb.Pages[i]; p.Person.Is(h.Person) {
				out = append(out, section(fmt.Sprintf("📟 %s · %s · %s · %s", f.titled(s), or(line(p.Level), "asked for you"), whyPaged(p.Why), at(p.At))))
				break
			}
		}
	}
	return out
}

func (f Frame) onCallText(list []OnCall) string {
	text := ""
	for i, o := range list {
		if i == 20 {
			break
		}
		text += fmt.Sprintf("*%s*: %s", Cut(line(o.Role), 60), name(o.Person))
		if !o.Until.IsZero() {
			text += " until " + at(o.Until)
		}
		text += "\n"
	}
	return or(text, "No rota is configured.")
}
