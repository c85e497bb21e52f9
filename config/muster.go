package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/incident"
)

// muster reads muster.yaml over the built-in one.
func (l *loader) muster() {
	br, broot := l.fallback(musterFile)
	l.settings(br, broot, true)
	r, root := l.file(musterFile)
	if root != nil {
		l.settings(r, root, false)
	}
	// A ladder that is not the user's own speaks in the user's channel.
	if !l.matrix && l.cfg.Ladder.LastResort.Person == "" {
		l.cfg.Ladder.LastResort.Channel = l.cfg.Channels.Incidents
	}
}

func (l *loader) settings(r *reader, root *value, builtIn bool) {
	c := l.cfg
	root, ok := r.object(root, "the file", "channels", "default_severity", "cadence", "incident_channel", "permissions", "handover",
		"user_groups", "auto_declare", "routes", "alerts", "storm", "watchdog", "watch", "postmortem", "digest", "teams", "retention", "data_sources", "playbooks")
	if !ok {
		return
	}
	if c.Cadence == nil {
		c.Cadence, c.IncidentChannel = map[incident.Severity]string{}, map[incident.Severity]bool{}
		c.Permissions = map[Permission][]Subject{}
	}
	if f := root.get("channels"); f != nil {
		for _, key := range []string{"incidents", "operations"} {
			if name := f.fields[key]; name != nil && name.null && !name.unset {
				r.problems.add(r.file, f.keyLines[key], "channels.%s is empty; YAML takes what follows a bare # for a comment, so write it as '#incidents', with quotes", key)
			}
		}
	}
	r.section(root, "channels", []string{"incidents", "operations"}, func(key, what string, v *value) {
		name := r.channelName(v, what)
		if key == "incidents" {
			c.Channels.Incidents = name
		} else {
			c.Channels.Operations = name
		}
	})
	if f := root.get("default_severity"); f != nil {
		if s, ok := r.severity(f, "default_severity"); ok {
			c.DefaultSeverity = s
		}
	}
	if f := root.get("cadence"); f != nil {
		r.bySeverity(f, "cadence", func(s incident.Severity, v *value, what string) { c.Cadence[s] = r.cadence(v, what) })
	}
	if f := root.get("incident_channel"); f != nil {
		r.bySeverity(f, "incident_channel", func(s incident.Severity, v *value, what string) { c.IncidentChannel[s], _ = r.truth(v, what) })
	}
	l.permissions(r, root, builtIn)
	r.section(root, "handover", []string{"accept_within"}, func(_, what string, v *value) {
		c.Handover.AcceptWithin, _ = r.duration(v, what, time.Second)
	})
	if f := root.get("user_groups"); f != nil {
		l.userGroups(r, f)
	}
	if f := root.get("auto_declare"); f != nil {
		c.AutoDeclare = r.matchers(f)
	}
	l.alerts(r, root)
	r.section(root, "storm", []string{"alerts", "window"}, func(key, what string, v *value) {
		if key == "alerts" {
			c.Storm.Alerts, _ = r.number(v, what, 1)
		} else {
			c.Storm.Window, _ = r.duration(v, what, time.Second)
		}
	})
	r.section(root, "watch", []string{"for", "every", "reopen", "queries"}, func(key, what string, v *value) {
		switch key {
		case "for":
			c.Watch.For, _ = r.duration(v, what, 0)
		case "every":
			c.Watch.Every, _ = r.duration(v, what, time.Second)
		case "queries":
			c.Watch.Queries = r.watchQueries(v, what)
		default:
			c.Watch.Reopen, _ = r.oneOf(v, what, "offer", "auto", "off")
		}
	})
	r.postmortem(root, &c.Postmortem)
	l.digest(r, root)
	l.teams(r, root)
	l.retention(r, root)
	if f := root.get("data_sources"); f != nil {
		c.DataSources = r.dataSources(f)
	}
	r.section(root, "playbooks", []string{"auto_approve", "exec_allow", "curl_allow", "read_as", "change_as"}, func(key, what string, v *value) {
		switch key {
		case "read_as":
			c.Playbooks.ReadAs, _ = r.text(v, what)
			return
		case "change_as":
			c.Playbooks.ChangeAs, _ = r.text(v, what)
			return
		}
		words := r.words(v, what)
		switch key {
		case "auto_approve":
			c.Playbooks.AutoApprove = words
		case "exec_allow":
			c.Playbooks.ExecAllow = words
		default:
			c.Playbooks.CurlAllow = words
		}
	})
}

// section reads a group of known keys, each by itself.
func (r *reader) section(root *value, name string, known []string, each func(key, what string, v *value)) {
	f := root.get(name)
	if f == nil {
		return
	}
	f, ok := r.object(f, name, known...)
	if !ok {
		return
	}
	for _, key := range known {
		if v := f.get(key); v != nil {
			each(key, name+"."+key, v)
		}
	}
}

func (r *reader) cadence(v *value, what string) string {
	text, ok := r.text(v, what)
	if !ok {
		return ""
	}
	if _, err := ParseCadence(text); err != nil {
		r.problems.add(r.file, v.line, "%s is not an update clock (%s); write '@every 10m', a cron expression with five fields, or '' for none",
			what, shownError(err, v))
		return ""
	}
	return text
}

func (l *loader) permissions(r *reader, root *value, builtIn bool) {
	known := make([]string, len(Permissions))
	for i, p := range Permissions {
		known[i] = string(p)
	}
	r.section(root, "permissions", known, func(key, what string, v *value) {
		subjects := []Subject{}
		items := []*value{v}
		if v.kind != scalar {
			items = r.list(v, what)
		}
		for _, item := range items {
			s, ok := r.subject(item, "an entry of "+what)
			if !ok {
				continue
			}
			if s.Kind == InRota && !builtIn {
				l.refs = append(l.refs, reference{r.file, item.line, s.Name, what + " names the rota"})
			}
			if !slices.Contains(subjects, s) {
				subjects = append(subjects, s)
			}
		}
		l.cfg.Permissions[Permission(key)] = subjects
	})
}

var incidentRoles = []string{string(incident.Commander), string(incident.Comms), string(incident.Ops), string(incident.Scribe)}

func (r *reader) subject(v *value, what string) (Subject, bool) {
	text, ok := r.text(v, what)
	if !ok {
		return Subject{}, false
	}
	s, err := ParseSubject(text)
	if err != nil {
		r.problems.add(r.file, v.line, "%s %s; use everyone, @user-group, rota:NAME, role:%s, or an e-mail address",
			what, shownError(err, v), strings.Join(incidentRoles, "|"))
		return Subject{}, false
	}
	return s, true
}

// ParseSubject reads whom a permission is given to.
func ParseSubject(text string) (Subject, error) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, string(Everyone)) {
		return Subject{Kind: Everyone}, nil
	}
	if kind, name, ok := strings.Cut(text, ":"); ok {
		name = strings.TrimSpace(name)
		switch kind {
		case "rota":
			if rotaName(name) {
				return Subject{Kind: InRota, Name: name}, nil
			}
			return Subject{}, fmt.Errorf("names no rota: %q", text)
		case "role":
			if slices.Contains(incidentRoles, strings.ToLower(name)) {
				return Subject{Kind: HasRole, Name: strings.ToLower(name)}, nil
			}
			return Subject{}, fmt.Errorf("names a role that incidents do not have: %q (did you mean %q?)", text, "role:"+nearest(name, incidentRoles))
		}
	}
	if group, ok := strings.CutPrefix(text, "@"); ok && group != "" && !strings.ContainsAny(group, " @<>:") {
		return Subject{Kind: UserGroup, Name: group}, nil
	}
	if address, err := ParseEmail(text); err == nil {
		return Subject{Kind: OneUser, Name: strings.ToLower(address)}, nil
	}
	return Subject{}, fmt.Errorf("names nobody that can be known: %q", text)
}

func (l *loader) userGroups(r *reader, v *value) {
	v, ok := r.group(v, "user_groups")
	if !ok {
		return
	}
	groups := map[string]string{}
	for _, name := range v.keys {
		f := v.get(name)
		if f == nil {
			continue
		}
		what := fmt.Sprintf("user_groups of %q", name)
		text, ok := r.text(f, what)
		if !ok {
			continue
		}
		handle := strings.TrimPrefix(text, "@")
		if handle == "" || strings.ContainsAny(handle, " @<>") {
			r.wrong(f, what, "a user group's handle such as '@oncall-primary'")
			continue
		}
		l.refs = append(l.refs, reference{r.file, v.keyLines[name], name, "user_groups names the rota"})
		groups[name] = "@" + handle
	}
	l.cfg.UserGroups = groups
}

func (r *reader) matchers(v *value) []map[string]string {
	all := []map[string]string{}
	for i, item := range r.list(v, "auto_declare") {
		what := fmt.Sprintf("matcher %d of auto_declare", i+1)
		item, ok := r.group(item, what)
		if !ok {
			continue
		}
		m := map[string]string{}
		for _, label := range item.keys {
			if f := item.fields[label]; f != nil {
				m[label], _ = r.text(f, fmt.Sprintf("the label %q of %s", label, what))
			}
		}
		if len(m) == 0 {
			r.problems.add(r.file, item.line, "%s has no labels and would match every alert; add one, such as {severity: critical}", what)
			continue
		}
		all = append(all, m)
	}
	return all
}

func (r *reader) dataSources(v *value) map[string]Secret {
	all := map[string]Secret{}
	v, ok := r.group(v, "data_sources")
	if !ok {
		return all
	}
	for _, name := range v.keys {
		f := v.get(name)
		if f == nil {
			continue
		}
		text, ok := r.text(f, fmt.Sprintf("the data source %q", name))
		switch {
		case !ok || text == "":
		case !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") && !strings.Contains(text, "="):
			r.problems.add(r.file, f.line, "the data source %q is not a PostgreSQL address; write it as postgres://user:password@host/database", name)
		default:
			all[name] = NewSecret(text)
		}
	}
	return all
}
