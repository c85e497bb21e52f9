package config

import (
	"strings"
	"testing"
	"time"
)

func TestDigestAndTeams(t *testing.T) {
	r, wrong := watchFile(t, "digest: {cron: '0 9 * * 1', zone: Europe/Berlin, channel: '#reviews'}\nteams: {core: [API, db], shop: [checkout]}\n")
	if wrong != "" {
		t.Fatal(wrong)
	}
	if r.Team("api") != "core" || r.Team("Checkout") != "shop" || r.Team("other") != "" {
		t.Errorf("teams: %v", r.teamOf)
	}
	due := func(after, now string) time.Time {
		a, _ := time.Parse(time.RFC3339, after)
		n, _ := time.Parse(time.RFC3339, now)
		return r.Digest.Due(a, n)
	}
	// Monday 2026-03-30 is the day after the clocks went forward in Berlin.
	if at := due("2026-03-23T08:00:00Z", "2026-03-30T06:59:59Z"); !at.IsZero() {
		t.Errorf("due too early: %v", at)
	}
	if at := due("2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"); at.UTC().Format(time.RFC3339) != "2026-03-30T07:00:00Z" {
		t.Errorf("due at %v", at)
	}
	if at := due("2026-03-30T07:00:00Z", "2026-03-30T09:00:00Z"); !at.IsZero() {
		t.Errorf("due twice: %v", at)
	}
	if at := due("2026-01-01T00:00:00Z", "2026-04-02T12:00:00Z"); !at.IsZero() {
		t.Errorf("due although it is three days late: %v", at)
	}
}

func TestDigestAndTeamsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"digest: {cron: '@every 168h'}\n":     "digest.cron",
		"digest: {cron: 'monday'}\n":          "digest.cron",
		"digest: {zone: Berlin}\n":            "digest.zone",
		"digest: {when: monday}\n":            "when",
		"teams: {core: [api], shop: [API]}\n": "belongs to two teams, core and shop",
		"teams: [api]\n":                      "teams",
	} {
		if _, wrong := watchFile(t, text); !strings.Contains(wrong, want) {
			t.Errorf("%s is refused with %q, want %q in it", text, wrong, want)
		}
	}
	if c, wrong := watchFile(t, "digest: {cron: ''}\n"); wrong != "" || c.Digest.Schedule() != nil {
		t.Errorf("an empty cron: %s %v", wrong, c.Digest)
	}
}
