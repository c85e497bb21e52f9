package config

import (
	"strings"
	"testing"
	"time"

	"muster/incident"
)

func TestRetention(t *testing.T) {
	const day = 24 * time.Hour
	c, wrong := watchFile(t, "retention: {P1: '', P2: 730d, p3: 52w}\n")
	if wrong != "" {
		t.Fatal(wrong)
	}
	if r := c.Retention; len(r) != 2 || r[incident.P2] != 730*day || r[incident.P3] != 364*day {
		t.Errorf("retention: %v", r)
	}
	if c, _ := watchFile(t, "digest: {cron: ''}\n"); len(c.Retention) != 0 {
		t.Errorf("built in is %v, want nothing: everything is kept", c.Retention)
	}
	for text, want := range map[string]string{
		"retention: {P2: 2m}\n":     "muster.yaml:1: P2 of retention must be '' for ever, or 30d or more",
		"retention: {P2: 29d}\n":    "30d or more",
		"retention: {P2: never}\n":  "30d or more",
		"retention: {P2: [30d]}\n":  "P2 of retention must be text",
		"retention: {P7: 400d}\n":   `retention has no key "P7"`,
		"retention: 365d\n":         "retention",
		"retentions: {P2: 365d}\n":  `did you mean "retention"?`,
		"retention: {P2: '-90d'}\n": "30d or more",
	} {
		if _, wrong := watchFile(t, text); !strings.Contains(wrong, want) {
			t.Errorf("%s is refused with %q, want %q in it", text, wrong, want)
		}
	}
}
