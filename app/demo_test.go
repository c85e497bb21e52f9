package app

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"muster/config"
	"muster/workspace"
)

func TestTheDemoIsWhatTheManifestDeclares(t *testing.T) {
	raw, err := os.ReadFile("../manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Features struct {
			Commands []struct {
				Command string `yaml:"command"`
				Escape  bool   `yaml:"should_escape"`
			} `yaml:"slash_commands"`
			Shortcuts []struct {
				Name, Type string
				CallbackID string `yaml:"callback_id"`
			} `yaml:"shortcuts"`
		} `yaml:"features"`
	}
	if err := yaml.Unmarshal(raw, &manifest); err != nil {
		t.Fatal(err)
	}
	live, err := config.Load(t.TempDir(), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	demo := demoWorkspace(live, newClock(1))

	var want []workspace.Shortcut
	for _, s := range manifest.Features.Shortcuts {
		want = append(want, workspace.Shortcut{Type: s.Type, CallbackID: s.CallbackID, Name: s.Name})
	}
	if !slices.Equal(demo.Shortcuts, want) {
		t.Errorf("the demo has the shortcuts %v, the manifest %v", demo.Shortcuts, want)
	}
	if len(manifest.Features.Commands) != len(demo.Commands) {
		t.Fatalf("the demo has %d commands, the manifest %d", len(demo.Commands), len(manifest.Features.Commands))
	}
	for i, c := range manifest.Features.Commands {
		if got := demo.Commands[i]; got.Command != c.Command || got.ShouldEscape != c.Escape {
			t.Errorf("the demo has the command %+v, the manifest %+v", got, c)
		}
	}
	if who := live.Schedule.OnCall("primary", time.Now(), nil).OnCall().Name; !strings.Contains(demo.Hint, strings.Fields(who)[0]) {
		t.Errorf("%s is on call, but the hint says %q", who, demo.Hint)
	}
}

func TestTheDemoClockIsNotSetBack(t *testing.T) {
	c := newClock(1)
	ahead := time.Now().Add(5 * time.Hour)
	c.notBefore(ahead)
	if c.Now().Before(ahead) {
		t.Errorf("the clock shows %s, before %s", c.Now(), ahead)
	}
	c.notBefore(ahead.Add(-time.Hour))
	if now := c.Now(); now.Before(ahead) || now.After(ahead.Add(time.Minute)) {
		t.Errorf("the clock was set to %s by an earlier moment", now)
	}
}
