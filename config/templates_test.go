package config

import (
	"strings"
	"testing"
)

func builtInTemplates(t testing.TB) *Templates {
	return mustLoad(t, t.TempDir()).Templates
}

func TestBuiltInTemplates(t *testing.T) {
	m := builtInTemplates(t)
	for _, c := range []struct {
		what string
		got  []string
		want string
	}{
		{"first", m.First(FirstMessage{"P0", "API service down", "Investigating", "logins fail", "14:30", "<@U1>"}),
			"🚨 P0 Incident: API service down\nStatus: Investigating\nImpact: logins fail\nETA: 14:30\nOn-call: <@U1>"},
		{"first, bare", m.First(FirstMessage{Severity: "P1", Title: "x"}),
			"🚨 P1 Incident: x\nStatus: Investigating\nImpact: being assessed\nETA: not known yet\nOn-call: nobody"},
		{"update", m.Update(Update{"api", "Identified", "restarted\nscaled up", "watch", "15:00"}),
			"⏱️ Update: api\nStatus: Identified\nActions taken: restarted\n    scaled up\nNext step: watch\nETA: 15:00"},
		{"update, bare", m.Update(Update{}),
			"⏱️ Update:\nStatus: Investigating\nActions taken: none yet\nNext step: being decided\nETA: not known yet"},
		{"resolution", m.Resolution(Resolution{"api", 42, "bad deploy", "rolled back", "", "Mon 10:00 UTC"}),
			"✅ RESOLVED: api\nDuration: 42 minutes\nRoot cause: bad deploy\nFix applied: rolled back\nMonitoring: will monitor for 1 hour\nPost-mortem: scheduled for Mon 10:00 UTC"},
		{"resolution, bare", m.Resolution(Resolution{}),
			"✅ RESOLVED:\nDuration: 0 minutes\nRoot cause: not known yet\nFix applied: none recorded\nMonitoring: will monitor for 1 hour\nPost-mortem: not scheduled yet"},
	} {
		if got := strings.Join(c.got, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.what, got, c.want)
		}
	}
}

// TestStrangeValues: no value can make markup, a mention, or a line that
// passes for one of the template's.
func TestStrangeValues(t *testing.T) {
	m := builtInTemplates(t)
	for _, v := range []string{
		"<!channel> & <@U1>", "a\nStatus: fine\r\nETA: now", "{{.Title}} ${HOME}", strings.Repeat("é", 4000), "שלום مرحبا", "\x00\x1b[31m", "   ", "\u2028x\u2029y",
	} {
		for kind, got := range map[string][]string{
			"first":      m.First(FirstMessage{v, v, v, v, v, "nobody"}),
			"update":     m.Update(Update{v, v, v, v, v}),
			"resolution": m.Resolution(Resolution{v, -1, v, v, v, v}),
		} {
			own := 0
			for _, line := range got {
				if !strings.HasPrefix(line, "    ") {
					own++
				}
				if strings.ContainsAny(line, "<>\n\r\x00") {
					t.Errorf("%s of %q has the line %q", kind, v, line)
				}
			}
			if want := map[string]int{"first": 5, "update": 5, "resolution": 6}[kind]; own != want {
				t.Errorf("%s of %q has %d lines, want %d: %q", kind, v, own, want, got)
			}
		}
	}
}

// TestOwnTemplates: other words and markup around the lines are welcome.
func TestOwnTemplates(t *testing.T) {
	c := mustLoad(t, write(t, "templates/update.tmpl", `
:hourglass: hello
> *⏱️ Update: {{.Subject}}*
• *Status:* {{.Status}}
*Actions taken:* {{.Actions}}

*Next step:* {{.Next}}
*ETA:* {{.ETA}} (roughly)
Runbook: https://example.com
`))
	got := c.Templates.Update(Update{"api", "a", "b", "c", "d"})
	if len(got) != 7 || got[1] != "> *⏱️ Update: api*" || got[5] != "*ETA:* d (roughly)" {
		t.Errorf("%q", got)
	}
}

// TestBrokenPostmortem: a mistake in a template of the post-mortem is one
// sentence with the file and the line.
func TestBrokenPostmortem(t *testing.T) {
	for text, line := range map[string]string{
		"# {{.ID}}\n\n{{.Nonsense}}\n": "postmortem.md.tmpl:3", "a\n{{if}}\n": "postmortem.md.tmpl:2", "{{range shown}}": "postmortem.md.tmpl:1",
		"{{define \"a\"}}x{{template \"a\" .}}{{end}}\n{{template \"a\" .}}": "postmortem.md.tmpl:",
	} {
		_, err := Load(write(t, "templates/postmortem.md.tmpl", text), func(string) (string, bool) { return "", false })
		if err == nil || !strings.Contains(err.Error(), line) || !strings.Contains(err.Error(), "the template cannot be used (") || strings.Count(strings.TrimSpace(err.Error()), "\n") > 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
}
