package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

var rotaNameText = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func rotaName(name string) bool {
	return rotaNameText.MatchString(name)
}

// rotation reads oncall/rotation.yaml.
func (l *loader) rotation() {
	br, broot := l.fallback(rotationFile)
	l.cfg.Notify = map[incident.Class][]Channel{}
	l.notification(br, broot.get("notification_channels"))
	r, root := l.file(rotationFile)
	if r == nil {
		l.schedule(br, broot.get("oncall_schedule"))
		return
	}
	l.broken = true
	if root == nil {
		if len(l.problems) == 0 {
			l.problems.add(rotationFile, 1, "the file is empty; add oncall_schedule, or remove the file for the default")
		}
		return
	}
	root, ok := r.object(root, "the file", "oncall_schedule", "notification_channels")
	if !ok {
		return
	}
	if n := root.get("notification_channels"); n != nil {
		l.notification(r, n)
	}
	if s := r.need(root, "the file", "oncall_schedule", "it with at least one rota, such as primary"); s != nil {
		l.broken = false
		l.schedule(r, s)
	}
}

func (l *loader) schedule(r *reader, v *value) {
	v, ok := r.group(v, "oncall_schedule")
	if !ok {
		l.broken = true
		return
	}
	l.cfg.Schedule = rota.Schedule{Rotas: map[string]rota.Rota{}}
	for _, name := range v.keys {
		if !rotaName(name) {
			r.problems.add(r.file, v.keyLines[name], "%q cannot be a rota's name; use letters, digits, - and _", name)
			continue
		}
		l.cfg.Schedule.Order = append(l.cfg.Schedule.Order, name)
		l.cfg.Schedule.Rotas[name] = l.rota(r, name, v.fields[name])
	}
	if len(v.keys) == 0 {
		r.problems.add(r.file, v.line, "oncall_schedule has no rota; add one, such as primary")
	}
}

func (l *loader) rota(r *reader, name string, v *value) rota.Rota {
	what := fmt.Sprintf("the rota %q", name)
	out := rota.Rota{Name: name, Zone: time.UTC}
	v, ok := r.object(v, what, "name", "rotation_type", "rotation_start", "every", "starts_on", "members", "escalation_policy")
	if !ok {
		return out
	}
	if n := v.get("name"); n != nil {
		out.Title, _ = r.text(n, "the name of "+what)
	}
	l.turns(r, what, v, &out)
	if m := v.get("members"); m != nil {
		for i, item := range r.list(m, "members of "+what) {
			if item.kind == scalar && (item.text == "…" || item.text == "...") {
				continue // an example's "and so on": nobody yet
			}
			if member, ok := r.member(item, fmt.Sprintf("member %d of %s", i+1, what)); ok {
				out.Members = append(out.Members, member)
			}
		}
	} else if v.fields["members"] == nil {
		r.problems.add(r.file, v.line, "%s has no members; add members: with a list of people, or members: [] for nobody", what)
	}
	if p := v.get("escalation_policy"); p != nil {
		l.policy(r, what, p)
	}
	return out
}

// turns reads how a rota rotates.
func (l *loader) turns(r *reader, what string, v *value, out *rota.Rota) {
	kind := "none"
	if t := v.get("rotation_type"); t != nil {
		k, ok := r.oneOf(t, "rotation_type of "+what, "daily", "weekly", "custom", "none")
		if !ok {
			return
		}
		kind = k
	}
	if kind == "none" {
		for _, key := range []string{"rotation_start", "every", "starts_on"} {
			if f := v.get(key); f != nil {
				r.problems.add(r.file, v.keyLines[key], "%s has %s and does not rotate; add rotation_type: daily, weekly or custom, or remove %s", what, key, key)
			}
		}
		return
	}
	out.Type = rota.Rotation(kind)
	if d := v.get("starts_on"); d != nil {
		date, err := parseDate(d.text)
		if err != nil || d.kind != scalar {
			r.wrong(d, "starts_on of "+what, "a day such as 2026-01-05")
		}
		out.StartsOn = date
	}
	l.every(r, what, kind, v, out)
	f := r.need(v, what, "rotation_start", "rotation_start: "+startExample(kind))
	if f == nil {
		return
	}
	text, ok := r.text(f, "rotation_start of "+what)
	if !ok {
		return
	}
	s, err := parseStart(text)
	if err != nil {
		r.problems.add(r.file, f.line, "rotation_start of %s %s; write it as %s", what, shownError(err, f), startExample(kind))
		return
	}
	out.At, out.Zone = s.at, s.zone
	switch {
	case kind == "weekly" && s.weekday == nil:
		r.problems.add(r.file, f.line, "rotation_start of %s names no weekday, and the rota is weekly; write it as %s", what, startExample(kind))
	case kind == "daily" && s.weekday != nil:
		r.problems.add(r.file, f.line, "rotation_start of %s names a weekday, and the rota is daily; write it as %s", what, startExample(kind))
	case kind == "weekly":
		out.Weekday = *s.weekday
	case s.weekday != nil:
		out.StartsOn = out.StartsOn.OnOrAfter(*s.weekday)
	}
}

func startExample(kind string) string {
	if kind == "weekly" {
		return "Monday 09:00 UTC"
	}
	return "09:00 UTC"
}

func (l *loader) every(r *reader, what, kind string, v *value, out *rota.Rota) {
	if kind != "custom" {
		if v.get("every") != nil {
			r.problems.add(r.file, v.keyLines["every"], "%s has every, which only rotation_type: custom has; remove it, or make the rota custom", what)
		}
		return
	}
	f := r.need(v, what, "every", "every: with 12h, 3d or 2w")
	if f == nil {
		return
	}
	d, err := ParseDuration(f.text)
	if err != nil || f.kind != scalar || d < time.Hour || d > 366*24*time.Hour || d%time.Minute != 0 {
		r.wrong(f, "every of "+what, "a duration from 1h to 52w such as 12h, 3d or 2w")
		return
	}
	out.Every = d
}

// shownError is the error's text, unless a variable's value could be in it.
func shownError(err error, v *value) string {
	if v.shown != v.text {
		return "cannot be read from " + v.shown
	}
	return err.Error()
}

func (r *reader) member(v *value, what string) (rota.Member, bool) {
	var m rota.Member
	v, ok := r.object(v, what, "name", "email", "phone", "slack", "timezone", "pagerduty")
	if !ok {
		return m, false
	}
	if f := r.need(v, what, "name", "name: with the person's name"); f != nil {
		m.Name, _ = r.text(f, "the name of "+what)
	}
	if m.Name != "" {
		what = m.Name
	}
	if f := v.get("email"); f != nil {
		if text, ok := r.text(f, "the email of "+what); ok && text != "" {
			address, err := ParseEmail(text)
			if err != nil {
				r.wrong(f, "the email of "+what, "an address such as alice@example.com")
			}
			m.Email = address
		}
	}
	if f := v.get("phone"); f != nil {
		if text, ok := r.text(f, "the phone of "+what); ok && text != "" {
			number, err := ParsePhone(text)
			if err != nil {
				r.problems.add(r.file, f.line, "the phone number of %s %s; write it with its country code, such as +1-202-555-0101", what, shownError(err, f))
			}
			m.Phone = number
		}
	}
	if f := v.get("slack"); f != nil {
		if text, ok := r.text(f, "the slack of "+what); ok && text != "" {
			handle, err := ParseHandle(text)
			if err != nil {
				r.wrong(f, "the slack of "+what, "a handle such as '@alice'")
			}
			m.Slack = handle
		}
	}
	if f := v.get("pagerduty"); f != nil {
		m.PagerDuty, _ = r.text(f, "the pagerduty of "+what)
	}
	if f := v.get("timezone"); f != nil {
		if text, ok := r.text(f, "the timezone of "+what); ok && text != "" {
			zone, err := LoadZone(text)
			if err != nil {
				r.wrong(f, "the timezone of "+what, "a zone of the tz database such as Europe/Berlin or UTC")
			}
			m.Zone = zone
		}
	}
	return m, true
}

// policy reads an escalation_policy; the first one in the file counts.
func (l *loader) policy(r *reader, what string, v *value) {
	var steps []PolicyStep
	for i, item := range r.list(v, "escalation_policy of "+what) {
		step := fmt.Sprintf("step %d of the escalation_policy of %s", i+1, what)
		item, ok := r.object(item, step, "delay", "notify")
		if !ok {
			continue
		}
		s := PolicyStep{Line: item.line}
		delay, notify := r.need(item, step, "delay", "delay: with a duration such as 15m"), r.need(item, step, "notify", "notify: with a rota's name")
		if delay != nil {
			s.Delay, _ = r.duration(delay, "the delay of "+step, 0)
		}
		if notify == nil {
			continue
		}
		if s.Notify, ok = r.text(notify, "notify of "+step); !ok {
			continue
		}
		if n := len(steps); n > 0 && delay != nil && s.Delay < steps[n-1].Delay {
			r.problems.add(r.file, item.line, "%s comes before the step above it; order the steps by their delays", step)
		}
		l.refs = append(l.refs, reference{r.file, notify.line, s.Notify, step + " notifies the role"})
		steps = append(steps, s)
	}
	if len(steps) > maxLevels {
		r.problems.add(r.file, v.line, "the escalation_policy of %s has more than %d steps; leave some out", what, maxLevels)
		steps = steps[:maxLevels]
	}
	switch {
	case l.cfg.Policy == nil:
		l.cfg.Policy = steps
	case !slices.EqualFunc(l.cfg.Policy, steps, func(a, b PolicyStep) bool { return a.Delay == b.Delay && a.Notify == b.Notify }):
		r.problems.add(r.file, v.line, "the escalation_policy of %s differs from the one above it, and an incident has one ladder; keep one", what)
	}
}

func (l *loader) notification(r *reader, v *value) {
	what := "notification_channels"
	v, ok := r.object(v, what, string(incident.Critical), string(incident.Warning), string(incident.Info))
	if !ok {
		return
	}
	for _, class := range []incident.Class{incident.Critical, incident.Warning, incident.Info} {
		f := v.get(string(class))
		if f == nil {
			continue
		}
		channels := []Channel{}
		for i, item := range r.list(f, what+" of "+string(class)) {
			if c, ok := r.channel(item, fmt.Sprintf("channel %d of %s", i+1, class)); ok {
				channels = append(channels, c)
			}
		}
		l.cfg.Notify[class] = channels
	}
}

var channelKeys = map[string][]string{
	"pagerduty": {"type", "api_key", "urgency"},
	"phone":     {"type", "provider"},
	"slack":     {"type", "channel", "mention"},
	"email":     {"type", "to"},
}

func (r *reader) channel(v *value, what string) (Channel, bool) {
	var c Channel
	v, ok := r.group(v, what)
	if !ok {
		return c, false
	}
	f := r.need(v, what, "type", "type: pagerduty, phone, slack or email")
	if f == nil {
		return c, false
	}
	if c.Type, ok = r.oneOf(f, "the type of "+what, "pagerduty", "phone", "slack", "email"); !ok {
		return c, false
	}
	what += " (" + c.Type + ")"
	if v, ok = r.object(v, what, channelKeys[c.Type]...); !ok {
		return c, false
	}
	if f := v.get("api_key"); f != nil && c.Type == "pagerduty" {
		text, _ := r.text(f, "api_key of "+what)
		c.APIKey = NewSecret(text)
	}
	switch c.Type {
	case "pagerduty":
		c.Urgency = "high"
		if f := v.get("urgency"); f != nil {
			c.Urgency, _ = r.oneOf(f, "urgency of "+what, "high", "low")
		}
	case "phone":
		c.Provider = "twilio"
		if f := v.get("provider"); f != nil {
			c.Provider, _ = r.oneOf(f, "provider of "+what, "twilio")
		}
	case "slack":
		if f := r.need(v, what, "channel", "channel: with a name such as '#incidents'"); f != nil {
			c.Channel = r.channelName(f, "channel of "+what)
		}
		if f := v.get("mention"); f != nil {
			c.Mention = r.mention(f, "mention of "+what)
		}
	case "email":
		if f := v.get("to"); f != nil {
			c.To = r.addresses(f, "to of "+what)
		}
	}
	return c, true
}

func (r *reader) channelName(v *value, what string) string {
	text, ok := r.text(v, what)
	if !ok {
		return ""
	}
	name, err := ParseChannel(text)
	if err != nil {
		r.problems.add(r.file, v.line, "%s is not a Slack channel (%s); write it as '#incidents', with quotes", what, shownError(err, v))
	}
	return name
}

func (r *reader) mention(v *value, what string) string {
	text, ok := r.text(v, what)
	if ok && text != "" && (!strings.HasPrefix(text, "@") || len(text) < 2 || strings.ContainsAny(text, " \t<>")) {
		r.wrong(v, what, "a mention such as '@here', '@channel' or '@user-group'")
		return ""
	}
	return text
}

func (r *reader) addresses(v *value, what string) []string {
	items := []*value{v}
	if v.kind != scalar {
		items = r.list(v, what)
	}
	var all []string
	for _, item := range items {
		text, ok := r.text(item, what)
		if !ok || text == "" {
			continue
		}
		address, err := ParseEmail(text)
		if err != nil {
			r.wrong(item, what, "an address such as team@example.com")
			continue
		}
		all = append(all, address)
	}
	return all
}
