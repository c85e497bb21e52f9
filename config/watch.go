package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the files must be quiet before a change counts, so that
// an editor's rename and a mounted volume's swap are seen when they are done.
const settle = 300 * time.Millisecond

// lookAgain is how often the files are compared without being told, for file
// systems that tell nothing and directories that come later.
const lookAgain = 10 * time.Second

// Watch calls changed whenever what the configuration's files hold has
// changed, until ctx ends; it then returns nil. It compares contents, so that
// a file that is written again as it was is no change. changed is called from
// one goroutine, never twice at once.
func Watch(ctx context.Context, dir string, changed func()) error {
	return watch(ctx, dir, fingerprint(dir), changed)
}

// watch is Watch with the state that counts as known.
func watch(ctx context.Context, dir string, seen [sha256.Size]byte, changed func()) error {
	if full, err := filepath.Abs(dir); err == nil {
		dir = full // so that the directory and its parent are told apart
	}
	w := &watcher{dir: dir, seen: seen}
	events, failures := make(chan fsnotify.Event), make(chan error)
	notify, err := fsnotify.NewWatcher()
	if err == nil {
		// Without notification (too many watches on the host) comparing now
		// and then still finds every change.
		w.notify = notify
		events, failures = notify.Events, notify.Errors
		defer func() { _ = notify.Close() }()
	}
	w.compare(changed)
	quiet := time.NewTimer(settle)
	quiet.Stop()
	again := time.NewTicker(lookAgain)
	defer quiet.Stop()
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			if w.concerns(e.Name) {
				quiet.Reset(settle)
			}
		case _, ok := <-failures:
			if !ok {
				failures = nil
				continue
			}
			quiet.Reset(settle) // events may have been lost: compare
		case <-quiet.C:
			w.compare(changed)
		case <-again.C:
			w.compare(changed)
		}
	}
}

type watcher struct {
	dir    string
	notify *fsnotify.Watcher
	seen   [sha256.Size]byte
}

func (w *watcher) compare(changed func()) {
	w.follow()
	if now := fingerprint(w.dir); now != w.seen {
		w.seen = now
		changed()
	}
}

// folders are the directories that hold configuration. The parent sees the
// directory itself come and go.
func folders(dir string) []string {
	return []string{
		filepath.Dir(filepath.Clean(dir)), dir, filepath.Join(dir, "oncall"),
		filepath.Join(dir, templateDir), filepath.Join(dir, playbookDir),
	}
}

// concerns tells whether an event can mean another configuration: everything
// inside the directories, and of the parent only the directory itself.
func (w *watcher) concerns(name string) bool {
	dir := filepath.Clean(w.dir)
	return filepath.Dir(name) != filepath.Dir(dir) || filepath.Clean(name) == dir
}

// follow watches the directories that exist now. A watch holds on to what a
// name meant when it was made, so each is made anew: behind a symlink that was
// swapped there is another directory.
func (w *watcher) follow() {
	if w.notify == nil {
		return
	}
	for _, folder := range folders(w.dir) {
		_ = w.notify.Remove(folder)
		_ = w.notify.Add(folder)
	}
}

// fingerprint is a hash of the names and contents of a directory's
// configuration files.
func fingerprint(dir string) [sha256.Size]byte {
	var h bytes.Buffer
	for i, folder := range folders(dir)[1:] {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(&h, "%d %s\n", i, cause(err))
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			if strings.HasPrefix(e.Name(), ".") || !isConfiguration(name) {
				continue
			}
			data, err := readSmall(name)
			if err != nil {
				fmt.Fprintf(&h, "%d %s %s\n", i, e.Name(), cause(err))
				continue
			}
			fmt.Fprintf(&h, "%d %s %x\n", i, e.Name(), sha256.Sum256(data))
		}
	}
	return sha256.Sum256(h.Bytes())
}

func isConfiguration(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".tmpl", ".md":
		return true
	default:
		return false
	}
}

// readSmall reads a file that a load would read; of others only that they are
// there matters.
func readSmall(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFileBytes {
		return nil, err
	}
	return os.ReadFile(name)
}
