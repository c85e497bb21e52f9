package commands

import "muster/incident"

// alertLine is Line for what is recorded about an incident's alerts.
func alertLine(e incident.Event) Rich {
	switch e := e.(type) {
	case incident.AllAlertsResolved:
		if e.Count == 1 {
			return Say("The alert is resolved")
		}
		return Say("All ", e.Count, " alerts are resolved")
	case incident.AlertsTold:
		var parts []Rich
		if e.Again {
			parts = append(parts, Say("Alerts fire again"))
		}
		for _, list := range []struct {
			word string
			refs []incident.AlertRef
		}{{"Alert joined: ", e.Joined}, {"Alert: ", e.Changed}, {"Alert moved to another incident: ", e.Left}} {
			for i, r := range list.refs {
				if i == incident.FewAlerts {
					parts = append(parts, Say(len(list.refs)-i, " more"))
					break
				}
				state := "resolved"
				if r.Firing > 0 {
					state = "firing"
				}
				line := Say(list.word, r.Title, " (", state)
				if r.Total > 1 {
					line = Say(list.word, r.Title, " (", r.Firing, " of ", r.Total, " firing")
				}
				parts = append(parts, Say(line, maybe(", ", r.Why), ")"))
			}
		}
		return Join(parts, "; ")
	default:
		return nil
	}
}
