package config

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"muster/escalation/rota"
	"muster/incident"
)

func checkAt(t *testing.T, now string, overrides []rota.Override, files ...string) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, now)
	if err != nil {
		t.Fatal(err)
	}
	return CheckText(Check(mustLoad(t, write(t, files...)), at, overrides...))
}

const oneLevel = `
levels: [{level: L1, role: primary, methods: [phone], due: 0, until: acknowledged}]
last_resort: {slack: '#incidents'}
`

func TestCheck(t *testing.T) {
	lend := rota.Override{
		ID: "1", Role: "primary", From: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC),
		Who: incident.Person{Key: "slack:@eve", Name: "Eve"}, At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, c := range []struct {
		what      string
		now       string
		overrides []rota.Override
		files     []string
		want      string
	}{
		{"nothing to say", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule: {primary: {members: [{name: Ann, phone: +12025550101}]}}
`, escalationFile, oneLevel}, "Nothing to report for the next 90 days."},

		{"a gap", "2026-03-01", nil, []string{rotationFile, "oncall_schedule: {primary: {members: []}}", escalationFile, oneLevel},
			"nobody is on call for primary (L1); add members to its rota in oncall/rotation.yaml"},

		{"a gap around an override", "2026-03-01", []rota.Override{lend}, []string{rotationFile, "oncall_schedule: {primary: {members: []}}", escalationFile, oneLevel},
			`nobody is on call for primary (L1) until Tue 2026-03-03 00:00 UTC; add members to its rota in oncall/rotation.yaml
nobody is on call for primary (L1) from Wed 2026-03-04 00:00 UTC; add members to its rota in oncall/rotation.yaml
Eve cannot be reached by L1, which pages by phone; add what is missing in oncall/rotation.yaml, or a method to the level`},

		{"two levels", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary: {rotation_type: weekly, rotation_start: Monday 09:00 UTC, members: [&a {name: Ann, phone: +12025550101}, &b {name: Ben, phone: +12025550102}]}
  secondary: {rotation_type: daily, rotation_start: 09:00 UTC, members: [*a, {name: Cat, phone: +12025550103}]}
`, escalationFile, `
levels:
  - {level: L1, role: primary, methods: [phone], due: 0, until: acknowledged}
  - {level: L2, role: secondary, methods: [phone], due: 5m, until: acknowledged}
last_resort: {slack: '#incidents'}
`}, "Ann is on call for primary (L1) and secondary (L2) at once, first at Mon 2026-03-02 09:00 UTC, 27 times in 90 days; shift one of the two rotas, or add people"},

		{"unreachable", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary: {members: [{name: Ann, email: ann@example.com}, {name: Ben}]}
  other: {members: [{name: Cat}]}
`, escalationFile, strings.Replace(oneLevel, "slack: '#incidents'", "person: heidi@example.com", 1)},
			`Ben has no e-mail address, phone number, Slack or PagerDuty user, so no page reaches them; add at least one in oncall/rotation.yaml
Cat has no e-mail address, phone number, Slack or PagerDuty user, so no page reaches them; add at least one in oncall/rotation.yaml
Ann cannot be reached by L1, which pages by phone; add what is missing in oncall/rotation.yaml, or a method to the level
the last resort heidi@example.com is in no rota, so only Slack and e-mail can reach them; add them to a rota to give a phone number`},

		{"near a clock change", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary: {rotation_type: weekly, rotation_start: Sunday 04:00 Europe/Berlin, members: [{name: Ann, phone: +12025550101}, {name: Ben, phone: +12025550102}]}
`, escalationFile, oneLevel},
			"Ben hands over to Ann for primary at Sun 2026-03-29 04:00 CEST, within an hour of the clock change of Europe/Berlin at Sun 2026-03-29 03:00 CEST; move rotation_start, or make sure that both know"},

		{"not near one", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary: {rotation_type: weekly, rotation_start: Sunday 04:01 Europe/Berlin, members: [{name: Ann, phone: +12025550101}, {name: Ben, phone: +12025550102}]}
`, escalationFile, oneLevel}, "Nothing to report for the next 90 days."},

		{"near a member's clock change", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary: {rotation_type: weekly, rotation_start: Sunday 07:00 UTC, members: [{name: Ann, phone: +12025550101, timezone: America/New_York}, {name: Ben, phone: +12025550102}]}
`, escalationFile, oneLevel},
			"Ann hands over to Ben for primary at Sun 2026-03-08 07:00 UTC, within an hour of the clock change of America/New_York at Sun 2026-03-08 03:00 EDT; move rotation_start, or make sure that both know"},

		{"ladders differ", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary:
    members: [{name: Ann, phone: +12025550101}]
    escalation_policy:
      - {delay: 5m, notify: primary}
      - {delay: 5m, notify: second}
      - {delay: 30m, notify: boss}
  second: {members: [{name: Ben, phone: +12025550102}]}
  third: {members: [{name: Cat, phone: +12025550103}]}
  boss: {members: [{name: Dan, phone: +12025550104}]}
`, escalationFile, `
levels:
  - {level: L1, role: primary, methods: [phone], due: 0, until: acknowledged}
  - {level: L2, role: third, methods: [phone], due: 15m, until: acknowledged}
  - {level: L3, role: boss, methods: [phone], due: 30m, until: acknowledged, only: business_critical}
last_resort: {slack: '#incidents'}
`}, `oncall/rotation.yaml:6: escalation_policy notifies primary after 5m, and L1 of escalation.yaml after 0s; escalation.yaml counts
oncall/rotation.yaml:7: escalation_policy notifies second after 5m, and no level of escalation.yaml does; escalation.yaml counts
oncall/rotation.yaml:8: escalation_policy has no step for third, and L2 of escalation.yaml pages it after 15m; escalation.yaml counts`},

		{"two numbers", "2026-03-01", nil, []string{rotationFile, `
oncall_schedule:
  primary: {members: [{name: Ann, email: ann@example.com, phone: +12025550101}]}
  other: {members: [{name: Ann, email: ANN@example.com, phone: +12025550199}]}
`, escalationFile, oneLevel},
			"Ann is written down in two ways, and in other the phone, slack or pagerduty is another one; make them the same in oncall/rotation.yaml"},
	} {
		got := checkAt(t, c.now, c.overrides, c.files...)
		if got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.what, got, c.want)
		}
		if strings.Contains(got, "+1202555") {
			t.Errorf("%s: a phone number is shown", c.what)
		}
	}
}

func TestCheckJSON(t *testing.T) {
	c := mustLoad(t, t.TempDir())
	data, err := json.Marshal(Check(c, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		t.Fatal(err)
	}
	want := "[{\"kind\":\"example\",\"text\":\"there is no such file, so the built-in example people are on call; write it with `muster config init` and put your people in\",\"file\":\"oncall/rotation.yaml\"}]"
	if string(data) != want {
		t.Errorf("got %s", data)
	}
}
