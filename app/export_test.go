package app

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/report/archive"
)

// exportFile names, for a process that this test starts, the data file and the
// archive to write.
const exportFile = "MUSTER_TEST_EXPORT"

// TestExportsAreTheSame: an incident is exported to the same bytes again, after
// a restart, and by other processes in other zones and languages.
func TestExportsAreTheSame(t *testing.T) {
	if data := os.Getenv(exportFile); data != "" {
		exportOnce(t, data, os.Getenv(exportFile+"_TO"))
		return
	}
	dir := t.TempDir()
	data := filepath.Join(dir, "muster.db")
	lived(t, data)
	first := exportOnce(t, data, filepath.Join(dir, "first.zip"))
	if again := exportOnce(t, data, filepath.Join(dir, "again.zip")); !bytes.Equal(first, again) {
		t.Error("the second export is another file")
	}
	for _, zone := range []string{"America/New_York", "Asia/Kathmandu", "UTC"} {
		to := filepath.Join(dir, filepath.Base(zone)+".zip")
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestExportsAreTheSame$")
		child.Env = append(os.Environ(), "TZ="+zone, "LC_ALL=tr_TR.UTF-8", exportFile+"="+data, exportFile+"_TO="+to)
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("another process in %s: %v\n%s", zone, err, out)
		}
		if other, err := os.ReadFile(to); err != nil || !bytes.Equal(first, other) {
			t.Errorf("the export of another process in %s is another file (%v)", zone, err)
		}
	}
}

func exportOnce(t *testing.T, data, to string) []byte {
	t.Helper()
	if err := Export(t.Context(), Question{Out: io.Discard, Env: os.LookupEnv}, data, "INC-1", to); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// lived makes a data file with two incidents, one of them with everything that
// a map or a zone could shuffle, and evidence beside it.
func lived(t *testing.T, data string, later ...time.Duration) {
	t.Helper()
	s, err := openStore(data)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 29, 0, 58, 0, 123456789, time.FixedZone("", 7200))
	for _, d := range later {
		now = now.Add(d)
	}
	e := engine.NewIncidents(engine.Config{Store: s, Now: func() time.Time { now = now.Add(17 * time.Second); return now }}, func() []incident.Rule { return nil })
	say := func(stream string, in incident.Intent) {
		t.Helper()
		if _, err := e.Do(t.Context(), engine.Request[incident.Incident]{Stream: stream, New: stream == "", Intent: in}); err != nil {
			t.Fatal(err)
		}
	}
	cadence := map[incident.Severity]string{incident.P0: "@every 10m", incident.P1: "@every 10m", incident.P2: "@every 30m"}
	for _, title := range []string{"Checkout <down> & out", "another"} {
		say("", incident.Declare{Title: title, Severity: incident.P1, Service: "shop", By: alice, Plan: incident.Plan{Cadence: cadence}})
	}
	for _, in := range []incident.Intent{
		incident.GiveRole{By: alice, Role: incident.Comms, Person: erin}, incident.GiveRole{By: alice, Role: incident.Scribe, Person: alice},
		incident.GiveRole{By: alice, Role: incident.Ops, Person: erin}, incident.Acknowledge{By: erin, Via: "http"},
		incident.PostUpdate{By: alice, Text: "rolled back; é, 🚨", Next: "watch"}, incident.AddAction{By: erin, Text: "fix it", Owner: alice, Due: "2026-04-01"},
		incident.Resolve{By: alice, Cause: "a bad <deploy>", Fix: "rollback", Postmortem: now.Add(24 * time.Hour)},
		incident.WritePostmortem{By: erin, Texts: map[incident.Section]string{incident.Sections[0]: "one", incident.Sections[1]: "two", incident.Sections[2]: "three"}},
		incident.Note{By: alice, Text: "over"},
	} {
		say("INC-1", in)
	}
	for _, name := range []string{"pods.txt", "a/b.json", "z.txt"} {
		if _, err := evidenceOf(data).Put(t.Context(), "INC-1", name, []byte("seen: "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// partOf is one file of an archive.
func partOf(t *testing.T, c archive.Content, name string) string {
	t.Helper()
	data, err := c.Part(name)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// The documents of an export are made by the team's own templates.
func TestExportUsesTheTeamsTemplates(t *testing.T) {
	dir := t.TempDir()
	data, to := filepath.Join(dir, "muster.db"), filepath.Join(dir, "out.zip")
	lived(t, data)
	conf := filepath.Join(dir, "config")
	if err := errors.Join(os.MkdirAll(filepath.Join(conf, "templates"), 0o700),
		os.WriteFile(filepath.Join(conf, "templates", "postmortem.md.tmpl"), []byte("# Ours: {{.ID}}\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := Export(t.Context(), Question{Config: conf, Out: io.Discard, Env: os.LookupEnv}, data, "INC-1", to); err != nil {
		t.Fatal(err)
	}
	c, f, err := readArchive(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text := partOf(t, c, "postmortem.md"); text != "# Ours: INC-1\n" {
		t.Errorf("the post-mortem is %q", text)
	}
}
