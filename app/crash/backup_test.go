package crash

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/app"
)

// TestBackupUnderLoad takes copies while people work, over HTTP and with muster
// backup, and muster audit verify follows the history of the running program. Each copy must hold everything that was acknowledged before it was asked
// for, and be a file on which the program goes on.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t, 60), &ledger{}
	l := w.start()
	w.ready(l)
	stop, _ := w.load(said)
	w.wait(10*time.Second, "load", func() bool { return acked(said) >= 20 })
	copies := map[string]time.Time{}
	for name, take := range map[string]func(string) error{"over HTTP": w.backupHTTP, "by command": w.backupCommand} {
		path := filepath.Join(w.dir, name+".db")
		copies[path] = time.Now().Round(0)
		w.must(take(path))
		time.Sleep(300 * time.Millisecond)
	}
	w.must(app.Verify(context.Background(), app.Question{Out: io.Discard, Env: lookup(w.env())}, w.data))
	stop()
	w.settle(l, said)
	all := said.all()
	for path, asked := range copies {
		s := w.open(path)
		w.must(s.Verify())
		histories := w.read(s)
		w.must(s.Close())
		before, records := 0, 0
		for _, one := range all {
			if !one.acked.IsZero() && one.acked.Before(asked) {
				before++
			}
		}
		for _, h := range histories {
			records += len(h.records)
		}
		for _, problem := range misremembered(histories, all, asked) {
			t.Errorf("%s: %s", filepath.Base(path), problem)
		}
		t.Logf("%s: %d records, with all %d commands that were acknowledged before; %d followed", filepath.Base(path), records, before, len(all)-before)

		w.data = path
		l := w.start()
		w.ready(l)
		w.do(&ledger{}, "erin", "", "create P2 MARK after the restore")
		w.stop(l)
	}
}

func (w *world) backupHTTP(path string) error {
	req, err := http.NewRequest(http.MethodGet, w.url("/v1/backup"), nil)
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.Create(path)
	w.must(err)
	defer f.Close()
	_, err = io.Copy(f, resp.Body)
	return err
}

func (w *world) backupCommand(path string) error {
	return app.Backup(context.Background(), app.Question{Out: io.Discard, Env: lookup(w.env())}, w.data, path)
}

// env is the environment of a command beside the running program.
func (w *world) env() map[string]string {
	return map[string]string{
		"SLACK_BOT_TOKEN": w.ws.BotToken(), "SLACK_APP_TOKEN": w.ws.AppToken(), "MUSTER_API_TOKEN": apiToken, "MUSTER_URL": w.url(""),
	}
}
