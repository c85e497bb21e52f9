package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// write makes a directory of files: name, text, name, text …
func write(t testing.TB, pairs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		file := filepath.Join(dir, filepath.FromSlash(pairs[i]))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(pairs[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustLoad(t testing.TB, dir string, pairs ...string) *Config {
	t.Helper()
	c, err := Load(dir, env(pairs...))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return c
}

// TestBuiltInConfiguration: with nothing there, everything is.
func TestBuiltInConfiguration(t *testing.T) {
	c := mustLoad(t, filepath.Join(t.TempDir(), "not there"))
	if got := strings.Join(c.Schedule.Roles(), " "); got != "primary secondary manager director cto" {
		t.Errorf("roles %s", got)
	}
	if len(c.Files) != 0 {
		t.Errorf("files were read: %v", c.Files)
	}
	l := c.Ladder
	if len(l.Levels) != 5 || l.Mode != incident.All || l.Repeat != 3 || l.RepeatAfter != 30*time.Minute || l.AckExpires != 30*time.Minute ||
		l.LastResort != (incident.LastResort{Channel: "#incidents", Mention: "@channel"}) {
		t.Errorf("the ladder is %+v", l)
	}
	if d := l.Levels[3].DueAfter(incident.P0); d != 30*time.Minute {
		t.Errorf("the director is due at %s for P0", d)
	}
	if !l.Levels[4].BusinessCritical || l.Levels[4].RespondWithin != 0 {
		t.Errorf("L5 is %+v", l.Levels[4])
	}
	if c.Cadence[incident.P0] != "@every 10m" || c.Cadence[incident.P3] != "" || c.DefaultSeverity != incident.P1 ||
		!c.IncidentChannel[incident.P1] || c.IncidentChannel[incident.P2] {
		t.Errorf("cadence %v, severity %v, channels %v", c.Cadence, c.DefaultSeverity, c.IncidentChannel)
	}
	if c.Channels != (Channels{"#incidents", "#muster-ops"}) || c.Handover.AcceptWithin != 15*time.Minute ||
		c.Storm != (Storm{20, time.Minute}) || !reflect.DeepEqual(c.Watch, Monitoring{For: time.Hour, Every: time.Minute, Reopen: "offer"}) {
		t.Errorf("%+v", c)
	}
	if len(c.DataSources) != 0 {
		t.Errorf("an empty data source exists: %v", c.DataSources)
	}
	for _, m := range c.Schedule.Members() {
		if len(m.Ways()) != 4 || m.Zone == nil || !strings.HasPrefix(m.Phone, "+1202555010") {
			t.Errorf("%s can be reached by %v", m, m.Ways())
		}
	}
	for _, f := range Check(c, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)) {
		if f.Kind != Example {
			t.Errorf("the built-in configuration has a finding: %s", f)
		}
	}
}

// TestRulesFiles: the files of the documentation load as they are, apart from
// the roles that they leave out, which are named with file and line.
func TestRulesFiles(t *testing.T) {
	_, err := Load("testdata/rules", env("PAGERDUTY_API_KEY", "key"))
	want := `escalation.yaml:13: the level L4 pages the role "director", and no rota has that name; add "director:" with its members under oncall_schedule in oncall/rotation.yaml
escalation.yaml:21: the level L5 pages the role "cto", and no rota has that name; add "cto:" with its members under oncall_schedule in oncall/rotation.yaml
muster.yaml:9: permissions.operate names the rota "secondary", and no rota has that name; add "secondary:" with its members under oncall_schedule in oncall/rotation.yaml
muster.yaml:10: permissions.approve names the rota "secondary", and no rota has that name; add "secondary:" with its members under oncall_schedule in oncall/rotation.yaml
oncall/rotation.yaml:19: step 2 of the escalation_policy of the rota "primary" notifies the role "secondary", and no rota has that name; add "secondary:" with its members under oncall_schedule in oncall/rotation.yaml
oncall/rotation.yaml:23: step 4 of the escalation_policy of the rota "primary" notifies the role "director", and no rota has that name; add "director:" with its members under oncall_schedule in oncall/rotation.yaml`
	if err == nil || err.Error() != want {
		t.Fatalf("got:\n%v\nwant:\n%s", err, want)
	}
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 6 {
		t.Errorf("the error is a %T", err)
	}
}

// TestRulesFilesComplete: with the missing roles added they load, and every
// key arrives.
func TestRulesFilesComplete(t *testing.T) {
	rotation, err := os.ReadFile("testdata/rules/oncall/rotation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(rotation), "notification_channels:", "  secondary: {members: []}\n  director: {members: []}\n  cto: {members: []}\nnotification_channels:", 1)
	dir := write(t, "oncall/rotation.yaml", more)
	for _, name := range []string{"escalation.yaml", "muster.yaml"} {
		data, err := os.ReadFile(filepath.Join("testdata/rules", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := mustLoad(t, dir, "PAGERDUTY_API_KEY", "key", "DATABASE_URL", "postgres://u:p@host/db")
	r := c.Schedule.Rotas["primary"]
	if r.Title != "Primary On-Call" || r.Type != rota.Weekly || r.Weekday != time.Monday || r.At != (rota.Clock{Hour: 9}) ||
		r.Zone != time.UTC || r.StartsOn != (rota.Date{Year: 2026, Month: 1, Day: 5}) {
		t.Errorf("the rota is %+v", r)
	}
	m := r.Members[0]
	if m.Name != "Alice Johnson" || m.Email != "alice@example.com" || m.Phone != "+15550101" || m.Slack != "@alice" ||
		m.PagerDuty != "PALICE1" || m.Zone.String() != "America/New_York" {
		t.Errorf("the member is %+v with phone %s", m, m.Phone)
	}
	if r := c.Schedule.Rotas["manager"]; r.Rotates() || len(r.Members) != 0 {
		t.Errorf("the manager's rota is %+v", r)
	}
	if k := c.Notify[incident.Critical][0]; k.APIKey.Reveal() != "key" || k.Urgency != "high" {
		t.Errorf("the first critical channel is %+v", k)
	}
	if k := c.Notify[incident.Critical][2]; k.Channel != "#incidents" || k.Mention != "@here" {
		t.Errorf("the third critical channel is %+v", k)
	}
	if s := c.DataSources["main"]; s.Reveal() != "postgres://u:p@host/db" {
		t.Errorf("the data source is %q", s.Reveal())
	}
	if got := c.Permissions[Operate]; len(got) != 4 || got[2] != (Subject{HasRole, "commander"}) || got[0].String() != "rota:primary" {
		t.Errorf("operate is %v", got)
	}
}

// TestShortLadder: without escalation.yaml the policy is the ladder.
func TestShortLadder(t *testing.T) {
	c := mustLoad(t, write(t, "oncall/rotation.yaml", `
oncall_schedule:
  primary:
    name: Front line
    members: [{name: A, email: a@example.com}]
    escalation_policy:
      - {delay: 0, notify: primary}
      - {delay: 20m, notify: night}
      - {delay: 60m, notify: director}
  night: {members: []}
  director: {members: []}
`, "muster.yaml", "channels: {incidents: '#outages'}\n"))
	var got []string
	for _, l := range c.Ladder.Levels {
		got = append(got, strings.Join([]string{l.Name, l.Title, l.Role, strings.Join(l.Methods, "+"), l.RespondWithin.String(), l.Due.String(), l.DueAfter(incident.P0).String(), string(l.Until)}, " "))
	}
	want := `L1 Front line primary pagerduty+phone+slack 5m0s 0s 0s acknowledged
L2 night night pagerduty+phone 15m0s 20m0s 20m0s acknowledged
L3 director director phone 1h0m0s 1h0m0s 30m0s resolved`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
	if c.Ladder.LastResort.Channel != "#outages" {
		t.Errorf("the last resort is %s, which is not this team's channel", c.Ladder.LastResort.Channel)
	}
}

// TestOverDefaults: a key that is not given keeps its default.
func TestOverDefaults(t *testing.T) {
	c := mustLoad(t, write(t, "muster.yaml", `
cadence: {p2: '0 * * * *', P0: ''}
permissions: {admin: [Boss@example.com, '@leads']}
storm: {alerts: '${STORM:-5}'}
user_groups: {primary: oncall-primary}
playbooks: {curl_allow: [status.example.com], read_as: "system:serviceaccount:muster:muster-reader", change_as: "${OPERATOR:-ops}"}
`))
	if c.Cadence[incident.P2] != "0 * * * *" || c.Cadence[incident.P0] != "" || c.Cadence[incident.P1] != "@every 10m" {
		t.Errorf("cadence %v", c.Cadence)
	}
	if a := c.Permissions[Admin]; len(a) != 2 || a[0] != (Subject{OneUser, "boss@example.com"}) || a[1] != (Subject{UserGroup, "leads"}) {
		t.Errorf("admin %v", a)
	}
	if len(c.Permissions[Approve]) != 3 {
		t.Errorf("approve %v", c.Permissions[Approve])
	}
	if c.Storm != (Storm{5, time.Minute}) || c.UserGroups["primary"] != "@oncall-primary" || c.Playbooks.CurlAllow[0] != "status.example.com" ||
		c.Playbooks.ReadAs != "system:serviceaccount:muster:muster-reader" || c.Playbooks.ChangeAs != "ops" {
		t.Errorf("%+v", c)
	}
}

// TestYAMLWays: anchors, merged keys, variables and $${ work as one expects.
func TestYAMLWays(t *testing.T) {
	c := mustLoad(t, write(t, "oncall/rotation.yaml", `
oncall_schedule:
  primary:
    members:
      - &ann {name: 'Ann $${X} ${WHO}', email: ann@example.com, phone: "+49 (151) 234-56.78"}
  secondary: {members: [*ann, {<<: *ann, email: ben@example.com}]}
  manager: {members: [{name: N, phone: +49151234567}, {name: M, phone: '${PHONE:-}'}, {name: O, phone: '${PHONE2:-+1-202-555-0101}'}]}
  director: {members: []}
  cto: {members: }
`), "WHO", "a: [b] #c ${Z}")
	m := c.Schedule.Rotas["secondary"].Members
	if m[0].Name != "Ann ${X} a: [b] #c ${Z}" || m[0].Phone != "+491512345678" || m[1].Email != "ben@example.com" || m[1].Phone != m[0].Phone {
		t.Errorf("%q %q %q", m[0].Name, m[0].Phone, m[1].Email)
	}
	n := c.Schedule.Rotas["manager"].Members
	if n[0].Phone != "+49151234567" || n[1].Phone != "" || n[2].Phone != "+12025550101" {
		t.Errorf("phones %q %q %q", n[0].Phone, n[1].Phone, n[2].Phone)
	}
}

func TestRunbooks(t *testing.T) {
	c := mustLoad(t, write(t, "playbooks/a-b.md", "# A\n", "playbooks/notes.txt", "x", "playbooks/.hidden.md", "x"))
	if len(c.Runbooks) != 1 || c.Runbooks[0] != (Runbook{"a-b", "playbooks/a-b.md", "# A\n"}) {
		t.Errorf("%+v", c.Runbooks)
	}
	if len(c.Books) != 1 || c.Books[0].ID != "a-b" || c.Books[0].Title != "A" {
		t.Errorf("%+v", c.Books)
	}
	var found []string
	for _, f := range Check(c, time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)) {
		if f.Kind == PlaybookText {
			found = append(found, f.String())
		}
	}
	if len(found) == 0 || !strings.HasPrefix(found[0], "playbooks/a-b.md:1: ") {
		t.Errorf("check says of the playbook %q", found)
	}
	if c := mustLoad(t, t.TempDir()); len(c.Books) != 3 || len(c.Runbooks) != 3 {
		t.Errorf("built in are %d playbooks", len(c.Books))
	}
}

// TestInit: what it writes loads like the built-in defaults, and a second time
// it leaves every file.
func TestInit(t *testing.T) {
	dir := write(t, "muster.yaml", "default_severity: P2\n")
	wrote, left, err := Init(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(left, " "); got != "muster.yaml" {
		t.Errorf("left %s", got)
	}
	for _, name := range []string{"oncall/rotation.yaml", "escalation.yaml", "templates/first.tmpl", "templates/update.tmpl", "templates/resolution.tmpl", "playbooks/critical-service-down.md"} {
		if !strings.Contains(strings.Join(wrote, " "), name) {
			t.Errorf("%s was not written: %v", name, wrote)
		}
	}
	c := mustLoad(t, dir)
	if c.DefaultSeverity != incident.P2 || c.BuiltIn("escalation.yaml") {
		t.Errorf("the file that was there is %v", c.DefaultSeverity)
	}
	for _, f := range Check(c, time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("what it writes has a finding: %s", f)
	}
	wrote, left, err = Init(dir)
	if err != nil || len(wrote) != 0 || len(left) != len(builtinNames()) {
		t.Errorf("the second time it wrote %v and left %v: %v", wrote, left, err)
	}
}

// TestShortLadderOwnDelay: a step that moves a level also loses the shorter
// delay that the level had for P0.
func TestShortLadderOwnDelay(t *testing.T) {
	c := mustLoad(t, write(t, "oncall/rotation.yaml", `
oncall_schedule:
  primary: {members: [], escalation_policy: [{delay: 0, notify: primary}, {delay: 45m, notify: director}]}
  director: {members: []}
`))
	if l := c.Ladder.Levels[1]; l.DueAfter(incident.P0) != 45*time.Minute || l.DueAfter(incident.P1) != 45*time.Minute {
		t.Errorf("the director is due at %s for P0 and %s for P1", l.DueAfter(incident.P0), l.DueAfter(incident.P1))
	}
}

// TestCustomTurns: a custom rota with a weekday begins on that day, one
// without it on the day it starts on.
func TestCustomTurns(t *testing.T) {
	c := mustLoad(t, write(t, "oncall/rotation.yaml", `
oncall_schedule:
  primary:
    rotation_type: custom
    every: 2w
    rotation_start: thu 17:30 Europe/Berlin
    starts_on: 2026-01-05
    members: [{name: Ann}, {name: Ben}]
  secondary:
    rotation_type: custom
    every: 12h
    rotation_start: 9:00 Asia/Kolkata
    starts_on: 2026-01-05
    members: [{name: Ann}, {name: Ben}]
  manager: {members: []}
  director: {members: []}
  cto: {members: []}
`))
	for role, want := range map[string][2]string{
		"primary":   {"2026-01-08T17:30:00+01:00", "2026-01-22T17:30:00+01:00"},
		"secondary": {"2026-01-05T09:00:00+05:30", "2026-01-05T21:00:00+05:30"},
	} {
		r := c.Schedule.Rotas[role]
		for n, moment := range want {
			if got := r.Boundary(int64(n)).Format(time.RFC3339); got != moment {
				t.Errorf("hand-over %d of %s is at %s, want %s", n, role, got, moment)
			}
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	if _, _, err := Init(dir); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Load(dir, env()); err != nil {
			b.Fatal(err)
		}
	}
}
