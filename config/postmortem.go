package config

import (
	"strings"

	"muster/incident"
)

// Postmortem is what follows an incident. The zero value: nobody but those who
// took part is invited, and nothing is counted.
type Postmortem struct {
	// Invite are the mail addresses of those who are invited to every meeting.
	Invite []string
	// Impact counts what users noticed.
	Impact incident.ImpactPlan
}

func (r *reader) postmortem(root *value, c *Postmortem) {
	r.section(root, "postmortem", []string{"invite", "failed_requests", "requests"}, func(key, what string, v *value) {
		if key == "invite" {
			c.Invite = r.addresses(v, what)
			return
		}
		text, _ := r.text(v, what)
		if text != "" && !strings.Contains(text, incident.SpanMark) {
			r.problems.add(r.file, v.line, "%s counts over no span; write %s where its length belongs, as in sum(increase(http_requests_total{status=~\"5..\"}[%s]))",
				what, incident.SpanMark, incident.SpanMark)
			return
		}
		if key == "requests" {
			c.Impact.All = text
		} else {
			c.Impact.Failed = text
		}
	})
}
