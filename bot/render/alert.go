package render

import (
	"fmt"
	"net/url"
	"strings"

	"muster/incident"
)

// ActAlert begins the action IDs of what can be done about alerts; the value
// is the command behind "alert".
const ActAlert = "alert"

// mostAlerts is how many alerts a message names one by one.
const mostAlerts = 10

// Slack's longest address of a button.
// https://docs.slack.dev/reference/block-kit/block-elements/button-element
const maxURL = 3000

// AlertGroup is what the message of a group of alerts shows beside the group.
type AlertGroup struct {
	Group incident.AlertGroup
	// Incident is the one that the group belongs to; the zero value: none, or
	// not known.
	Incident incident.Incident
	// Window is the maintenance window that holds the group back.
	Window incident.Window
	// Playbook is the name of the one that is for the alerts; empty: none.
	Playbook string
}

// Alert is the message of a group of alerts as it is now.
func (f Frame) Alert(a AlertGroup) Message {
	g := a.Group
	lead := g.Lead()
	head := alertHead(g)
	blocks := []Object{header(head)}
	text := alertWords(lead)
	if text != "" {
		blocks = append(blocks, section(text))
	}
	blocks = append(blocks, section(f.alertLines(g)), small(f.alertState(a)))
	if g.Chart.File != "" {
		blocks = append(blocks, Object{"type": "image", "slack_file": Object{"id": g.Chart.File}, "alt_text": plain("The expression of "+lead.Name, 200)})
	}
	blocks = append(blocks, actions("alert", f.alertButtons(a)...))
	if links := alertLinks(lead.Links); len(links) > 0 {
		blocks = append(blocks, actions("links", links...))
	}
	return message(Escape(head)+"\n"+text, blocks...)
}

// AlertFirst is the message as it is posted first, with the mention that its
// channel asks for.
func (f Frame) AlertFirst(a AlertGroup, mention string) Message {
	m := f.Alert(a)
	if mention = strings.TrimSpace(f.call(mention)); mention == "" || !a.Group.Fires() || a.Group.Quieted() || a.Group.Flapping {
		return m
	}
	return message(mention+" "+m.Text, append([]Object{section(mention)}, m.Blocks...)...)
}

// classMark is a class as one sign.
func classMark(c incident.Class) string {
	switch c {
	case incident.Critical:
		return "🔴"
	case incident.Warning:
		return "🟠"
	default:
		return "🔵"
	}
}

// alertHead is the first line, as plain text.
func alertHead(g incident.AlertGroup) string {
	names := strings.Join(g.Names(), ", ")
	firing := len(g.Firing())
	if firing == 0 {
		return plain("✅ RESOLVED: "+names, MaxHeader)
	}
	count := ""
	if len(g.Alerts) > 1 {
		count = fmt.Sprintf(" (%d of %d firing)", firing, len(g.Alerts))
	}
	head := fmt.Sprintf("%s %s: %s", classMark(g.Worst()), strings.ToUpper(string(g.Worst())), names)
	return plain(Cut(head, MaxHeader-Length(count))+count, MaxHeader)
}

// alertWords are the summary, the description and the service.
func alertWords(a incident.Alert) string {
	var out []string
	if a.Summary != "" {
		out = append(out, "*"+strings.ReplaceAll(short(line2(a.Summary), mostTitle), "*", "∗")+"*")
	}
	if a.Description != "" && a.Description != a.Summary {
		out = append(out, short(a.Description, mostValue))
	}
	if a.Service != "" {
		out = append(out, "Service: "+short(line2(a.Service), 100))
	}
	return strings.Join(out, "\n")
}

// alertLines names the alerts, those that fire first.
func (f Frame) alertLines(g incident.AlertGroup) string {
	var lines []string
	n := 0
	for _, firing := range []bool{true, false} {
		for _, a := range g.Alerts {
			if a.Firing != firing {
				continue
			}
			if n++; n > mostAlerts {
				continue
			}
			lines = append(lines, alertLine(a))
		}
	}
	if n > mostAlerts {
		lines = append(lines, fmt.Sprintf("and %d more: `/incident alerts %s`", n-mostAlerts, g.ID))
	}
	return strings.Join(lines, "\n")
}

// AlertThing is what sets an alert apart from its like.
func AlertThing(a incident.Alert) string {
	for _, label := range []string{"instance", "pod", "host", "node", "device", "job"} {
		if v := a.Labels[label]; v != "" {
			return v
		}
	}
	return ""
}

func alertLine(a incident.GroupAlert) string {
	mark, since := classMark(a.Class()), "since "+at(a.StartsAt)
	if a.StartsAt.IsZero() {
		since = "since " + at(a.HeardAt)
	}
	if !a.Firing {
		mark, since = "✅", "resolved "+at(a.ResolvedAt)
	}
	name := short(line2(a.Name), 100)
	if thing := AlertThing(a.Alert); thing != "" {
		name += " " + short(line2(thing), 100)
	}
	return mark + " " + name + " · " + since
}

// alertState is the small print.
func (f Frame) alertState(a AlertGroup) string {
	g := a.Group
	var out []string
	if g.Fires() {
		out = append(out, "firing since "+at(g.Began))
	} else {
		out = append(out, "resolved "+at(g.QuietSince)+" after "+minutes(g.QuietSince.Sub(g.Began)))
	}
	if !g.Ack.By.Nobody() {
		out = append(out, "👍 acknowledged by "+by(g.Ack.By)+" "+at(g.Ack.At))
	}
	if s := g.Silence; s.N > 0 {
		until := "until " + at(s.Until)
		if s.UntilResolved {
			until = "until it is resolved"
		}
		out = append(out, "🔕 silenced by "+by(s.By)+" "+until)
		switch {
		case s.Failed != "":
			out = append(out, "⚠️ Alertmanager did not take the silence: "+Cut(line(s.Failed), 200))
		case s.Remote && s.ID == "":
			out = append(out, "Alertmanager is being told")
		}
	}
	switch {
	case a.Incident.Exists():
		out = append(out, f.titled(a.Incident)+" "+a.Incident.Severity.String()+" "+line(string(a.Incident.Status)))
	case g.Incident != "":
		out = append(out, g.Incident)
	case g.Declaring.Seq != 0:
		out = append(out, "an incident is being declared")
	case g.Storm != 0:
		out = append(out, "part of a storm of alerts")
	}
	if g.Flapping {
		out = append(out, "〰️ flapping: nobody is mentioned while it comes and goes")
	}
	if g.Window != "" {
		text := g.Window
		if a.Window.ID != "" {
			text += " " + Cut(line(a.Window.Text), 100) + " until " + at(a.Window.Until)
		}
		out = append(out, "🛠 expected: "+text)
	}
	for _, p := range g.Pages {
		if p.State == incident.PageFailed {
			out = append(out, "⚠️ "+name(p.Person)+" was not reached over "+line(p.Method))
		}
	}
	return strings.Join(out, " · ")
}

func (f Frame) alertButtons(a AlertGroup) []Object {
	g := a.Group
	button := func(what, text, value, style string) Object { return button(ActAlert+":"+what, text, value, style) }
	var out []Object
	if g.Fires() && g.Ack.By.Nobody() {
		out = append(out, button("ack", "Acknowledge", "ack "+g.ID, primary))
	}
	if g.Incident == "" && g.Declaring.Seq == 0 {
		out = append(out, button("declare", "Declare incident", "declare "+g.ID, danger))
	}
	out = append(out, button("playbook", "Playbook", "playbook "+g.ID, usual))
	switch {
	case g.Quieted():
		out = append(out, button("unsilence", "End silence", "unsilence "+g.ID, usual))
	case g.Fires():
		out = append(out, Object{
			"type": "static_select", "action_id": ActAlert + ":silence", "placeholder": plainText("Silence", MaxPlaceholder),
			"options": []Object{
				option("Silence 1h", "silence 1h "+g.ID), option("Silence 4h", "silence 4h "+g.ID), option("Silence 24h", "silence 24h "+g.ID),
				option("Silence until resolved", "silence resolved "+g.ID),
			},
		})
	}
	if g.Incident == "" && g.Declaring.Seq == 0 && g.Fires() {
		out = append(out, button("join", "Join an incident", "join "+g.ID, usual))
	}
	return out
}

// alertLinks are buttons that open what belongs to the alert.
func alertLinks(l incident.AlertLinks) []Object {
	var out []Object
	for _, b := range []struct{ id, text, url string }{
		{"runbook", "Runbook", l.Runbook}, {"dashboard", "Dashboard", l.Dashboard}, {"graph", "Graph", l.Graph}, {"source", "Alertmanager", l.Silence},
	} {
		if address := safeURL(b.url); address != "" {
			out = append(out, linkButton(ActLink+":"+b.id, b.text, address))
		}
	}
	return out
}

// safeURL lets an address of the web through that Slack takes; empty: it is
// none.
func safeURL(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	if address := u.String(); Length(address) <= maxURL {
		return address
	}
	return ""
}

// AlertThread is what one record of a group says below its message. It is
// false for a record that says nothing there.
func (f Frame) AlertThread(g incident.AlertGroup, r incident.Record, mention string) (Message, bool) {
	lead := short(line2(g.Title()), mostTitle)
	var text string
	switch e := r.Event.(type) {
	case incident.AlertsHeard:
		if e.Again {
			text = fmt.Sprintf("%s firing again: %s", classMark(g.Worst()), lead)
		} else {
			text = "✅ Resolved after " + minutes(g.QuietSince.Sub(g.Began)) + ": " + lead
		}
	case incident.SilenceEnded:
		text = fmt.Sprintf("🔔 The silence is over, and %d of the alerts fire: %s", len(g.Firing()), lead)
	case incident.GroupFlapping:
		text = fmt.Sprintf("〰️ Flapping: %d changes within %s. Nobody is mentioned until it stops.", e.Turns, minutes(e.Within))
	default:
		return Message{}, false
	}
	if mention = strings.TrimSpace(f.call(mention)); mention != "" {
		text = mention + " " + text
	}
	return lineMessage(text), true
}

// AlertOperations is what one record of a group tells those who run Muster.
func (f Frame) AlertOperations(g incident.AlertGroup, r incident.Record) (Message, bool) {
	var text string
	switch e := r.Event.(type) {
	case incident.GroupPageSettled:
		text = fmt.Sprintf("⚠️ %s was not reached over %s for alerts: %s", name(e.Person), line(e.Method), Cut(line(e.Reason), 400))
	case incident.SilenceSettled:
		text = "⚠️ Alertmanager did not take a silence: " + Cut(line(e.Failed), 400)
	case incident.EffectFailed:
		text = fmt.Sprintf("⚠️ Slack: %s failed: %s", strings.ReplaceAll(line(e.What), "_", " "), Cut(line(e.Reason), 400))
	default:
		return Message{}, false
	}
	return lineMessage(text + "\n" + short(line2(g.Title()), 200)), true
}

// AlertList is the list of an incident's alerts, complete as far as a message
// takes it.
func (f Frame) AlertList(s incident.Incident) Message {
	firing, total := s.AlertsFiring()
	head := fmt.Sprintf("🔔 %d of %d alerts of %s are firing", firing, total, s.ID)
	if firing == 0 {
		head = fmt.Sprintf("✅ All %d alerts of %s are resolved", total, s.ID)
	}
	const most = 45 * MaxSection / 2
	var text strings.Builder
	left := 0
	n := 0
	for _, r := range s.Alerts {
		for _, l := range r.Lines {
			l = refMark(r) + " " + short(line2(l), 160) + "\n"
			if n += Length(l); n > most {
				left++
				continue
			}
			text.WriteString(l)
		}
		left += max(0, r.Total-len(r.Lines))
	}
	blocks := append([]Object{section("*" + head + "*")}, sections(text.String(), 40)...)
	if left > 0 {
		blocks = append(blocks, small(fmt.Sprintf("and %d more; all of them: `/incident alerts %s`", left, s.ID)))
	}
	return message(head, blocks...)
}

func refMark(r incident.AlertRef) string {
	if r.Firing == 0 {
		return "✅"
	}
	return classMark(r.Class)
}

// saidAlerts says which alerts came to an incident, or fire again.
func (f Frame) saidAlerts(s incident.Incident, e incident.AlertsTold) string {
	firing, total := s.AlertsFiring()
	if e.Again {
		text := fmt.Sprintf("🔔 Alerts fire again: %d of %d.", firing, total)
		if !s.Open() {
			text += " The incident is over: *reopen* it, or declare another."
		}
		return text
	}
	var out []string
	for _, list := range []struct {
		word string
		refs []incident.AlertRef
	}{{"belongs to this incident now", e.Joined}, {"was moved to another incident", e.Left}} {
		for i, r := range list.refs {
			if i == incident.FewAlerts {
				out = append(out, fmt.Sprintf("and %d more", len(list.refs)-i))
				break
			}
			out = append(out, fmt.Sprintf("%s %s %s%s", refMark(r), short(line2(r.Title), 200), list.word, because(r.Why)))
		}
	}
	return strings.Join(out, "\n")
}

// alertsOver offers to resolve an incident whose alerts are all resolved.
func (f Frame) alertsOver(s incident.Incident, e incident.AllAlertsResolved) Message {
	text := fmt.Sprintf("✅ All %d alerts of %s are resolved.", e.Count, s.ID)
	if e.Count == 1 {
		text = fmt.Sprintf("✅ The alert of %s is resolved.", s.ID)
	}
	return message(text, section(text), actions("alerts-over", button(ActResolve, "Resolve", s.ID, primary), button(ActUpdate, "Post update", s.ID, usual)))
}

// homeAlerts lists the alerts that fire on the home tab; none: nothing.
func (f Frame) homeAlerts(h Home) []Object {
	if len(h.Alerts) == 0 {
		return nil
	}
	const most = 10
	out := []Object{header("Alerts")}
	for i, g := range h.Alerts {
		if i == most {
			return append(out, small(fmt.Sprintf("%d more; see `/incident alerts`.", len(h.Alerts)-most)))
		}
		title := short(line2(g.Title()), 200)
		if len(g.Posts) > 0 {
			if u := f.link(g.Posts[0].Spot); u != "" {
				title = "<" + u + "|" + strings.ReplaceAll(title, "|", "¦") + ">"
			}
		}
		out = append(out, section(fmt.Sprintf("%s %s · %s", classMark(g.Worst()), title, f.alertState(AlertGroup{Group: g}))))
	}
	return out
}

// cardAlerts lists an incident's alerts on its card; empty: it has none.
func (f Frame) cardAlerts(s incident.Incident) string {
	if len(s.Alerts) == 0 {
		return ""
	}
	firing, total := s.AlertsFiring()
	out := []string{fmt.Sprintf("*Alerts*: %d of %d firing", firing, total)}
	if firing == 0 {
		out[0] = fmt.Sprintf("*Alerts*: ✅ all %d resolved", total)
	}
	for i, r := range s.Alerts {
		if i == incident.FewAlerts {
			more := fmt.Sprintf("and %d more groups", len(s.Alerts)-i)
			if u := f.link(s.AlertList); u != "" {
				more = "<" + u + "|" + more + ">"
			}
			out = append(out, more)
			break
		}
		title := short(line2(r.Title), 120)
		if u := f.link(r.Spot); u != "" {
			title = "<" + u + "|" + strings.ReplaceAll(title, "|", "¦") + ">"
		}
		count := ""
		if r.Total > 1 {
			count = fmt.Sprintf(" (%d of %d)", r.Firing, r.Total)
		}
		out = append(out, refMark(r)+" "+title+count)
	}
	return strings.Join(out, "\n")
}
