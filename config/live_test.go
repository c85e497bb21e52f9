package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/incident"
)

func put(t testing.TB, text string, name ...string) {
	t.Helper()
	file := filepath.Join(name...)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReloadRefusesWhole: one bad file keeps everything as it was, also what
// the good files say.
func TestReloadRefusesWhole(t *testing.T) {
	dir := write(t, "muster.yaml", "default_severity: P2\n")
	l, err := NewLive(dir, env())
	if err != nil {
		t.Fatal(err)
	}
	before := l.Get()
	put(t, "default_severity: P3\n", dir, "muster.yaml")
	put(t, "levels: []\n", dir, "escalation.yaml")
	err = l.Reload()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 2 || !strings.HasPrefix(err.Error(), "the configuration stays as it was:\nescalation.yaml:1: ") {
		t.Errorf("the reload says %v", err)
	}
	if l.Get() != before || l.Get().DefaultSeverity != incident.P2 {
		t.Error("the configuration changed")
	}
	if err := os.Remove(filepath.Join(dir, "escalation.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := l.Reload(); err != nil || l.Get().DefaultSeverity != incident.P3 {
		t.Errorf("after the repair: %v, %v", err, l.Get().DefaultSeverity)
	}
	if _, err := NewLive(write(t, "muster.yaml", "x: y\n"), env()); err == nil {
		t.Error("a bad configuration starts")
	}
}

// TestReloadKeepsPeople: without its file the rota stays with its people, and
// the example people never take over from them.
func TestReloadKeepsPeople(t *testing.T) {
	dir := write(t, rotationFile, "oncall_schedule: {primary: {members: [{name: Ann, phone: +12025550101}]}}\n", escalationFile, oneLevel)
	l, err := NewLive(dir, env())
	if err != nil {
		t.Fatal(err)
	}
	before := l.Get()
	if err := os.Rename(filepath.Join(dir, "oncall"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	var problems Problems
	if err := l.Reload(); !errors.As(err, &problems) || !strings.Contains(err.Error(), "oncall/rotation.yaml: the file is gone") {
		t.Errorf("the reload says %v", err)
	}
	if l.Get() != before {
		t.Error("other people are on call")
	}
	if err := os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "oncall")); err != nil {
		t.Fatal(err)
	}
	if err := l.Reload(); err != nil {
		t.Errorf("after the repair: %v", err)
	}
}

// watched runs a watch over the test and tells each change from now on.
func watched(t *testing.T, dir string, seen func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	now := fingerprint(dir)
	var end sync.WaitGroup
	end.Go(func() {
		if err := watch(ctx, dir, now, seen); err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	t.Cleanup(func() { stop(); end.Wait() })
}

// deadline is far above what a change takes, for slow machines.
const deadline = 60 * time.Second

func expect(t *testing.T, changes <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-changes:
	case <-time.After(deadline):
		t.Fatalf("%s is not seen", what)
	}
}

// TestWatch: files that are written, replaced by a rename, added in a new
// directory and removed are each seen.
func TestWatch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	changes := make(chan struct{}, 100)
	watched(t, dir, func() { changes <- struct{}{} })
	put(t, "default_severity: P2\n", dir, "muster.yaml")
	expect(t, changes, "a new directory")
	put(t, "default_severity: P3\n", dir, "muster.yaml")
	expect(t, changes, "a written file")
	put(t, "default_severity: P0\n", dir, ".muster.yaml.swp")
	if err := os.Rename(filepath.Join(dir, ".muster.yaml.swp"), filepath.Join(dir, "muster.yaml")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "a renamed file")
	put(t, "x", dir, "templates", "first.tmpl")
	expect(t, changes, "a file in a new directory")
	put(t, "y", dir, "templates", "first.tmpl")
	expect(t, changes, "a changed template")
	if err := os.Remove(filepath.Join(dir, "templates", "first.tmpl")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "a removed file")
	put(t, "default_severity: P0\n", dir, "muster.yaml")
	put(t, "z", dir, "notes.txt")
	select {
	case <-changes:
		t.Error("the same text again counts as a change")
	case <-time.After(3 * settle):
	}
}

// TestWatchSwap: a volume of Kubernetes changes by swapping one symlink, again
// and again.
func TestWatchSwap(t *testing.T) {
	dir := t.TempDir()
	version := func(n, text string) {
		put(t, text, dir, "..v"+n, "muster.yaml")
		put(t, "oncall_schedule: {}\n# "+text, dir, "..v"+n, "oncall", "rotation.yaml")
		if err := os.Symlink("..v"+n, filepath.Join(dir, "..tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("1", "default_severity: P2\n")
	for _, name := range []string{"muster.yaml", "oncall"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	changes := make(chan struct{}, 100)
	watched(t, dir, func() { changes <- struct{}{} })
	for i, text := range []string{"default_severity: P3\n", "default_severity: P0\n", "default_severity: P1\n"} {
		version(string(rune('2'+i)), text)
		if err := os.RemoveAll(filepath.Join(dir, "..v"+string(rune('1'+i)))); err != nil {
			t.Fatal(err)
		}
		expect(t, changes, "swap "+text)
	}
}

// TestLiveWatch: a good change takes effect, a bad one is told.
func TestLiveWatch(t *testing.T) {
	dir := write(t, "muster.yaml", "default_severity: P2\n")
	l, err := NewLive(dir, env())
	if err != nil {
		t.Fatal(err)
	}
	put(t, "default_severity: P3\n", dir, "muster.yaml")
	told := make(chan error, 100)
	ctx, stop := context.WithCancel(context.Background())
	var end sync.WaitGroup
	end.Go(func() { _ = l.Watch(ctx, func(err error) { told <- err }) })
	defer end.Wait()
	defer stop()
	select {
	case err := <-told:
		if err != nil || l.Get().DefaultSeverity != incident.P3 {
			t.Fatalf("told %v, severity %v", err, l.Get().DefaultSeverity)
		}
	case <-time.After(deadline):
		t.Fatal("a change before the watch began is not seen")
	}
	put(t, "default_severity: P9\n", dir, "muster.yaml")
	for {
		select {
		case err := <-told:
			if err == nil {
				continue
			}
			if !strings.Contains(err.Error(), "muster.yaml:1: default_severity must be P0, P1, P2 or P3") || l.Get().DefaultSeverity != incident.P3 {
				t.Errorf("told %v, severity %v", err, l.Get().DefaultSeverity)
			}
			return
		case <-time.After(deadline):
			t.Fatal("the bad file is not told")
		}
	}
}
