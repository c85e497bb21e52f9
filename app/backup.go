package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"muster/config"
	"muster/engine"
	"muster/playbooks/evidence"
	"muster/store"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openStore opens a data file, making its folder first.
func openStore(path string) (*store.Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for the data: %w", err)
	}
	return store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion, Epoch: strings.ToLower(rand.Text()[:8])})
}

// Backup writes a copy of the data, and of its evidence beside it. When a
// running program holds the file, the program is asked for it.
func Backup(ctx context.Context, q Question, data, to string) error {
	if exists(to) {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	beside := evidence.Beside(to)
	if exists(beside) {
		return fmt.Errorf("%s, where the evidence goes, is there already: name a new file", beside)
	}
	if !exists(data) {
		return fmt.Errorf("there is no data file %s: name it with --data", data)
	}
	s, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion})
	switch {
	case errors.Is(err, store.ErrInUse):
		err = backupFrom(ctx, to, q.Env)
	case err == nil:
		err = errors.Join(s.BackupFile(ctx, to), s.Close())
	}
	if err != nil {
		return err
	}
	if err := check(to); err != nil {
		return err
	}
	// After the data: what its records name is kept before they are written.
	pieces, err := evidenceOf(data).Copy(ctx, beside)
	if err != nil {
		return fmt.Errorf("wrote %s, but not all of the evidence into %s: %w", to, beside, err)
	}
	text := fmt.Sprintf("wrote %s; no evidence was kept so far; to restore it, stop the program and put it in the place of %s", to, data)
	answer := map[string]any{"ok": true, "wrote": to, "data": data, "pieces": pieces}
	if pieces > 0 {
		text = fmt.Sprintf("wrote %s, and %s of evidence into %s; to restore them, stop the program and put them in the place of %s and %s",
			to, numbered(pieces, "piece"), beside, data, evidence.Beside(data))
		answer["evidence"] = beside
	}
	return q.print(text, answer)
}

// check opens a copy and follows its chain of hashes.
func check(path string) error {
	s, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion})
	if err != nil {
		return fmt.Errorf("the copy %s cannot be opened: %w", path, err)
	}
	return errors.Join(s.Verify(), s.Close(), os.Remove(path+".owner"))
}

// backupFrom asks the running program for a copy.
func backupFrom(ctx context.Context, to string, env func(string) (string, bool)) error {
	settings, err := config.LoadEnv(env)
	if err != nil {
		return err
	}
	if !settings.MusterAPIToken.IsSet() {
		return errors.New("the running program holds the file: set MUSTER_API_TOKEN, so that it can be asked for a copy")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, settings.MusterURL+"/v1/backup", nil)
	if err != nil {
		return fmt.Errorf("MUSTER_URL: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+settings.MusterAPIToken.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the program at %s does not answer: is MUSTER_URL right? (%w)", settings.MusterURL, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("the program at %s refused the copy: MUSTER_API_TOKEN is not the one that it was started with", settings.MusterURL)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the program at %s refused the copy with status %d", settings.MusterURL, resp.StatusCode)
	}
	return writeWhole(to, resp.Body)
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, from io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = io.Copy(f, from)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// getBackup streams a copy of the data, as of one moment.
func (p *Program) getBackup(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := p.store.Backup(r.Context(), w); err != nil {
		p.log.Error("a backup was not sent whole", "error", err)
		panic(http.ErrAbortHandler) // the reader must not take the part for the whole
	}
}

// Verify follows the chain of hashes over the whole history.
func Verify(ctx context.Context, q Question, data string) error {
	if !exists(data) {
		return fmt.Errorf("there is no data file %s: name it with --data", data)
	}
	s, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion})
	switch {
	case errors.Is(err, store.ErrInUse):
		err = verifyRunning(ctx, q.Env)
	case err == nil:
		err = errors.Join(s.Verify(), s.Close())
	}
	if err != nil {
		answer := map[string]any{"ok": false, "data": data, "problem": err.Error()}
		if link, ok := errors.AsType[*store.BrokenLink](err); ok {
			answer["stream"], answer["record"] = link.Stream, link.Seq
		}
		return q.failed(err, answer)
	}
	return q.print("the history is whole: every record carries the hash of the one before", map[string]any{"ok": true, "data": data})
}

// verifyRunning follows the chain in a copy from the running program.
func verifyRunning(ctx context.Context, env func(string) (string, bool)) error {
	dir, err := os.MkdirTemp("", "muster-audit-*")
	if err != nil {
		return fmt.Errorf("make room for a copy: %w", err)
	}
	copied := filepath.Join(dir, "muster.db")
	err = backupFrom(ctx, copied, env)
	if err == nil {
		err = check(copied)
	}
	return errors.Join(err, os.RemoveAll(dir))
}
