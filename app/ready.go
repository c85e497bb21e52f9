package app

import (
	"net/http"
	"time"

	"muster/incident"
	"muster/outbox"
)

// slackSilence is how old the last frame from Slack may be before the program
// calls itself unready: Slack pings far more often.
const slackSilence = time.Minute

// pageSilence is how long a page may wait before the program says so.
const pageSilence = time.Minute

// Check is one thing that readiness looks at.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Detail says in one sentence what is wrong; empty when nothing is.
	Detail string `json:"detail,omitempty"`
}

// readyz tells whether people can rely on the program now.
func (p *Program) readyz(w http.ResponseWriter, _ *http.Request) {
	checks, status := p.ready(), http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
		}
	}
	answer(w, status, map[string]any{"ok": status == http.StatusOK, "checks": checks})
}

// ready looks at everything that people rely on.
func (p *Program) ready() []Check {
	p.mu.Lock()
	caught, slack, reload := p.caught, p.slack, p.reload
	p.mu.Unlock()
	var out []Check
	add := func(name string, err string) {
		out = append(out, Check{Name: name, OK: err == "", Detail: err})
	}
	add("store", text(p.store.Healthy()))
	if !caught {
		add("catch-up", "what became due while the program was away is still being done")
	} else {
		add("catch-up", "")
	}
	add("slack", p.slackTrouble(slack))
	add("pages", p.pageTrouble())
	add("history", p.damage())
	add("configuration", text(reload))
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (p *Program) slackTrouble(fatal error) string {
	switch last := p.lastFrame(); {
	case fatal != nil:
		return fatal.Error()
	case last.IsZero():
		return "Slack has not been heard yet"
	case time.Since(last) > slackSilence:
		return "Slack has not been heard for " + time.Since(last).Round(time.Second).String()
	default:
		return ""
	}
}

func (p *Program) pageTrouble() string {
	drills := map[string]bool{} // an exercise calls nobody from outside
	lost := p.incidents.OpenWhere(func(s *incident.Incident) bool {
		if s.Drill.On {
			drills[s.ID] = true
			return false
		}
		return unheard(*s)
	})
	if len(lost) > 0 {
		return "the newest page of " + lost[0].ID + " reached nobody: every way failed"
	}
	oldest := p.outbox.Oldest(outbox.Page, func(stream string) bool { return !drills[stream] })
	if oldest.IsZero() {
		return ""
	}
	if age := p.now().Sub(oldest); age > pageSilence {
		return "a page has been waiting for " + age.Round(time.Second).String()
	}
	return ""
}

// unheard tells whether an incident that waits for an answer has paged in
// vain: the newest page failed over all its methods, and no other followed.
func unheard(s incident.Incident) bool {
	if s.Acked() || len(s.Climb.Pages) == 0 {
		return false
	}
	for _, m := range s.Climb.Pages[len(s.Climb.Pages)-1].Methods {
		if m.State != incident.PageFailed && m.State != incident.PageLate {
			return false
		}
	}
	return true
}
