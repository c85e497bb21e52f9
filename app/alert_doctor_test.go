package app

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/config"
	"muster/engine"
	"muster/incident"
)

func TestDoctorSaysWhetherTheWatchdogIsHeard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "muster.db")
	dog := config.Watchdog{Alert: "Watchdog", AbsentFor: 10 * time.Minute}
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	hear := func() {
		t.Helper()
		s, err := openStore(path)
		if err != nil {
			t.Fatal(err)
		}
		look := engine.NewLookout(engine.Config{Store: s, Now: func() time.Time { return now }}, func() func(incident.Lookout, time.Time) incident.Decision {
			return func(incident.Lookout, time.Time) incident.Decision { return incident.Decision{} }
		}, nil)
		if _, err := look.Step(t.Context(), incident.HearWatchdog{Name: dog.Alert, Within: dog.AbsentFor}, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	says := func(want string) {
		t.Helper()
		if got, err := watchdogSaid(t.Context(), dog, path); err != nil || !strings.Contains(got, want) {
			t.Errorf("got %q %v, want %q in it", got, err, want)
		}
	}
	says("was never heard")
	hear()
	says("comes less often than every 10m")
	now = now.Add(4 * time.Hour)
	hear()
	says("comes less often than every 10m")
	now = now.Add(5 * time.Minute)
	hear()
	says("is watched for")
}
