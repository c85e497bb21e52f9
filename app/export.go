package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"muster/bot"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/playbooks/evidence"
	"muster/report"
	"muster/report/archive"
	"muster/store"
)

// Export writes one incident as an archive. When a running program holds the
// file, it is read from a copy.
func Export(ctx context.Context, q Question, data, id, to string) error {
	if !strings.HasPrefix(id, engine.IncidentPrefix) {
		return fmt.Errorf("%q is no incident: name one as %s12", id, engine.IncidentPrefix)
	}
	if to == "" {
		to = id + ".zip"
	}
	if exists(to) {
		return fmt.Errorf("%s is there already: name a new file with --out", to)
	}
	if !exists(data) {
		return fmt.Errorf("there is no data file %s: name it with --data", data)
	}
	cfg, err := config.Load(q.Config, q.Env)
	if err != nil {
		return fmt.Errorf("read the templates of the post-mortem: %w", err)
	}
	asked := &asking{read: slackOf(q.Env)}
	err = withData(ctx, data, q.Env, func(s *store.Store) error {
		return writeNew(to, func(w io.Writer) error {
			return export(ctx, s, evidenceOf(data), asked.transcript, cfg.Templates, id, w)
		})
	})
	if err != nil {
		return err
	}
	text, answer := "wrote "+to, map[string]any{"ok": true, "wrote": to, "incident": id}
	if asked.failed != nil {
		text += "\nwhat was said in Slack is not in it: " + asked.failed.Error()
		answer["without_slack"] = asked.failed.Error()
	}
	return q.print(text, answer)
}

// asking asks Slack until it does not answer, and keeps why.
type asking struct {
	read   speaking
	failed error
	away   bool
}

func (a *asking) transcript(ctx context.Context, channel, ts string) ([]bot.Spoken, error) {
	if a.away {
		return nil, a.failed
	}
	said, err := a.read(ctx, channel, ts)
	if err != nil {
		a.failed = err
		_, answered := errors.AsType[*bot.Error](err)
		a.away = !answered
	}
	return said, err
}

// writeNew writes a file that is there whole or not at all.
func writeNew(path string, write func(io.Writer) error) error {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err) // the reader hears of it
		done <- err
	}()
	err := writeWhole(path, r)
	_ = r.CloseWithError(err)
	if wrote := <-done; wrote != nil && !errors.Is(wrote, err) {
		return wrote
	}
	return err
}

// VerifyExport checks an archive.
func VerifyExport(q Question, file string) error {
	c, f, err := readArchive(file)
	if err != nil {
		return q.failed(err, map[string]any{"ok": false, "archive": file, "problem": err.Error()})
	}
	text := fmt.Sprintf("%s is whole: %s with %d records and %d other files", file, c.Incident, len(c.History), len(c.Names))
	answer := map[string]any{"ok": true, "archive": file, "incident": c.Incident, "records": len(c.History), "files": len(c.Names)}
	return errors.Join(f.Close(), q.print(text, answer))
}

// withData gives the data file, or a copy of it when a running program holds
// it.
func withData(ctx context.Context, data string, env func(string) (string, bool), use func(*store.Store) error) error {
	s, err := store.Open(data, store.Options{SnapshotVersion: engine.SnapshotVersion})
	if !errors.Is(err, store.ErrInUse) {
		if err != nil {
			return err
		}
		return errors.Join(use(s), s.Close())
	}
	dir, err := os.MkdirTemp("", "muster-copy-*")
	if err != nil {
		return fmt.Errorf("make room for a copy: %w", err)
	}
	copied := path.Join(dir, "muster.db")
	if err = backupFrom(ctx, copied, env); err == nil {
		if s, err = store.Open(copied, store.Options{SnapshotVersion: engine.SnapshotVersion}); err == nil {
			err = errors.Join(use(s), s.Close())
		}
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// export packs what is known of an incident.
func export(ctx context.Context, s *store.Store, kept *evidence.Store, thread speaking, own *config.Templates, id string, to io.Writer) error {
	stored, err := s.Records(id, 1)
	if err != nil {
		return fmt.Errorf("read %s: %w", id, err)
	}
	if len(stored) == 0 {
		return fmt.Errorf("there is no incident %s: muster incident list all names them", id)
	}
	history := make([]incident.Record, len(stored))
	for i, r := range stored {
		event, err := incident.DecodeEvent(r.Kind, r.Version, r.Body)
		if err != nil {
			return fmt.Errorf("read %s record %d: %w", id, r.Seq, err)
		}
		history[i] = incident.Record{Seq: r.Seq, At: r.At, Event: event}
	}
	if _, gone := history[0].Event.(incident.Erased); gone {
		return incident.Apply(incident.Incident{ID: id}, history[0]).Gone()
	}
	all, parts, p := map[string]archive.Part{}, map[string][]byte{}, report.Postmortem{Data: report.Collect(history)}
	pieces, err := kept.List(ctx, id)
	if err != nil {
		return fmt.Errorf("list the evidence of %s: %w", id, err)
	}
	for _, piece := range pieces {
		all["evidence/"+piece.Name] = archive.Kept(piece.SHA256, func() ([]byte, error) { return kept.Get(ctx, id, piece.Name) })
		p.Files = append(p.Files, report.File{Name: piece.Name, SHA256: piece.SHA256})
	}
	if parts["postmortem.md"], err = report.Markdown(p, own.PostmortemMarkdown); err != nil {
		return err
	}
	if parts["postmortem.html"], err = report.HTML(p, own.PostmortemHTML); err != nil {
		return err
	}
	if parts["incident.json"], err = json.MarshalIndent(p.Data, "", "  "); err != nil {
		return fmt.Errorf("write %s: %w", id, err)
	}
	addSteps(parts, history)
	if err := errors.Join(addPages(parts, history), addCharts(parts, history), addTranscript(ctx, parts, history, thread)); err != nil {
		return fmt.Errorf("export %s: %w", id, err)
	}
	for name, data := range parts {
		all[name] = archive.Bytes(data)
	}
	return archive.Write(to, stored, all)
}
