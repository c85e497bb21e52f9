package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"

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
	var b bytes.Buffer
	err = withData(ctx, data, q.Env, func(s *store.Store) error {
		return export(ctx, s, evidenceOf(data), slackOf(q.Env), cfg.Templates, id, &b)
	})
	if err == nil {
		err = writeWhole(to, &b)
	}
	if err != nil {
		return err
	}
	return q.print("wrote "+to, map[string]any{"ok": true, "wrote": to, "incident": id})
}

// VerifyExport checks an archive.
func VerifyExport(q Question, file string) error {
	c, err := readArchive(file)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s is whole: %s with %d records and %d other files", file, c.Incident, len(c.History), len(c.Parts))
	return q.print(text, map[string]any{"ok": true, "incident": c.Incident, "records": len(c.History), "files": len(c.Parts)})
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
func export(ctx context.Context, s *store.Store, kept *evidence.Store, thread speaking, own *config.Templates, id string, to *bytes.Buffer) error {
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
	parts, p := map[string][]byte{}, report.Postmortem{Data: report.Collect(history)}
	pieces, err := kept.List(ctx, id)
	if err != nil {
		return fmt.Errorf("list the evidence of %s: %w", id, err)
	}
	for _, piece := range pieces {
		if parts["evidence/"+piece.Name], err = kept.Get(ctx, id, piece.Name); err != nil {
			return err
		}
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
	return archive.Write(to, stored, parts)
}
