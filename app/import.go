package app

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"muster/engine"
	"muster/incident"
	"muster/playbooks/evidence"
	"muster/report/archive"
	"muster/store"
)

// Import takes an exported incident into a data file that no program holds: its
// history and its evidence, to be read. It gets the next number here, and nobody
// is told.
func Import(ctx context.Context, q Question, data, file string) error {
	c, f, err := readArchive(file)
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", err)
	}
	defer f.Close()
	s, err := openStore(data)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("nothing was imported: stop the program that runs on %s first (%w)", data, err)
	}
	if err != nil {
		return err
	}
	id, err := importInto(ctx, s, evidenceOf(data), c, q.at())
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	text := fmt.Sprintf("imported %s with %d records as %s: it can be read, and nobody is paged or told", c.Incident, len(c.History), id)
	return q.print(text, map[string]any{"ok": true, "from": c.Incident, "incident": id, "records": len(c.History)})
}

// readArchive gives a checked archive with its file, which the caller closes.
func readArchive(file string) (archive.Content, *os.File, error) {
	f, err := os.Open(file)
	if err != nil {
		return archive.Content{}, nil, fmt.Errorf("open the archive: %w", err)
	}
	info, err := f.Stat()
	var c archive.Content
	if err == nil {
		c, err = archive.Read(f, info.Size())
	}
	if err != nil {
		return archive.Content{}, nil, errors.Join(fmt.Errorf("%s is not whole: %w", file, err), f.Close())
	}
	return c, f, nil
}

// importInto gives the number that the incident got.
func importInto(ctx context.Context, s *store.Store, kept *evidence.Store, c archive.Content, now time.Time) (string, error) {
	if len(c.History) == 0 || !strings.HasPrefix(c.Incident, engine.IncidentPrefix) {
		return "", errors.New("nothing was imported: the archive holds no incident")
	}
	if c.History[0].Tombstone {
		return "", fmt.Errorf("nothing was imported: the history of %s was erased, and there is nothing to read", c.Incident)
	}
	if c.History[0].Kind != incident.EventKind(incident.Declared{}) {
		return "", fmt.Errorf("nothing was imported: the history of %s does not begin with its declaration", c.Incident)
	}
	last := c.History[len(c.History)-1]
	head := hex.EncodeToString(last.Hash[:])
	if id, err := here(s, c.Incident, head); err != nil || id != "" {
		if err == nil && id != c.Incident { // what a crash may have left out
			err = keepPieces(ctx, kept, id, c)
		}
		if err == nil {
			err = fmt.Errorf("nothing was imported: %s of the archive is here already, as %s", c.Incident, id)
		}
		return "", err
	}
	done, err := s.Commit(ctx, store.Step{New: engine.IncidentPrefix, Write: func(stream string) (store.Step, error) {
		return copied(stream, c.History, incident.Imported{From: c.Incident, Head: head}, now)
	}})
	if err != nil {
		return "", fmt.Errorf("nothing was imported: %w", err)
	}
	return done.Stream, keepPieces(ctx, kept, done.Stream, c)
}

// keepPieces keeps the evidence of an archive; what is kept already stays.
func keepPieces(ctx context.Context, kept *evidence.Store, id string, c archive.Content) error {
	for _, name := range c.Names {
		piece, ok := strings.CutPrefix(name, "evidence/")
		if !ok {
			continue
		}
		data, err := c.Part(name)
		if err == nil {
			_, err = kept.Put(ctx, id, piece, data)
		}
		if err != nil {
			return fmt.Errorf("the history is imported as %s, but not all evidence; import it again: %w", id, err)
		}
	}
	return nil
}

// here finds the incident of an archive in a store: imported before, or at home
// there; empty: it is not.
func here(s *store.Store, id, head string) (string, error) {
	own, err := s.Records(id, 1)
	if err != nil {
		return "", fmt.Errorf("look for %s: %w", id, err)
	}
	for _, r := range own { // it may have gone on since
		if hex.EncodeToString(r.Hash[:]) == head {
			return id, nil
		}
	}
	for one, err := range s.Summaries(engine.IncidentPrefix) {
		var known engine.Summary
		if err == nil {
			err = json.Unmarshal(one.Entry, &known)
		}
		if err != nil {
			return "", fmt.Errorf("list incidents: %w", err)
		}
		if known.Imported.Head == head {
			return one.Stream, nil
		}
	}
	return "", nil
}

// copied is a history under another number, with the fact that it was imported
// behind it. What a record says stays as it was, but for the number itself.
func copied(stream string, history []store.Record, from incident.Imported, now time.Time) (store.Step, error) {
	var step store.Step
	state := incident.Incident{ID: stream}
	add := func(at time.Time, kind string, version int, body []byte) error {
		event, err := incident.DecodeEvent(kind, version, body)
		if err != nil {
			return fmt.Errorf("%s record %d: %w", from.From, len(step.Records)+1, err)
		}
		if d, ok := event.(incident.Declared); ok {
			d.ID = stream
			if _, body, err = incident.EncodeEvent(d); err != nil {
				return err
			}
			event = d
		}
		state = incident.Apply(state, incident.Record{Seq: state.Seq + 1, At: at, Event: event})
		step.Records = append(step.Records, store.Record{At: at, Kind: kind, Version: version, Body: body})
		return nil
	}
	for _, r := range history {
		if err := add(r.At, r.Kind, r.Version, r.Body); err != nil {
			return step, err
		}
	}
	kind, body, err := incident.EncodeEvent(from)
	if err == nil {
		err = add(now, kind, incident.EventVersion, body)
	}
	if err == nil {
		step.Summary, err = json.Marshal(engine.Summarise(state))
	}
	return step, err
}
