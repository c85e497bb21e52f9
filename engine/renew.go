package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"muster/store"
)

// Renew makes the entries of listings again that an older shape of the fold
// wrote, from the records: what is counted of incidents today is then known of
// those from before too. It takes one at a time and rests as long as it worked,
// so that steps do not wait for it; done counts what it wrote. An incident that
// cannot be read keeps its entry, and the others go on.
func (e Incidents) Renew(ctx context.Context) (done int, err error) {
	for entry, err := range e.Store.Summaries(IncidentPrefix) {
		if err != nil {
			return done, fmt.Errorf("list incidents: %w", err)
		}
		var old Summary
		if err := json.Unmarshal(entry.Entry, &old); err == nil && old.Fold >= SnapshotVersion {
			continue
		}
		began := time.Now()
		switch written, err := e.renew(ctx, entry.Stream); {
		case ctx.Err() != nil:
			return done, nil
		case err != nil:
			e.Log.Warn("an incident's entry in listings is of an older version and stays so", "incident", entry.Stream, "error", err)
		case written:
			done++
		}
		rest := time.NewTimer(max(time.Since(began), time.Millisecond))
		select {
		case <-ctx.Done():
			rest.Stop()
			return done, nil
		case <-rest.C:
		}
	}
	return done, nil
}

// renew makes one entry again; one that a step has made since is left.
func (e Incidents) renew(ctx context.Context, stream string) (written bool, err error) {
	c := e.hold(stream)
	defer e.release(c)
	loaded, err := e.Store.Load(stream)
	if err != nil {
		return false, err
	}
	var old Summary
	if err := json.Unmarshal(loaded.Summary, &old); err == nil && old.Fold >= SnapshotVersion {
		return false, nil
	}
	s, err := e.read(stream)
	if err != nil {
		return false, err
	}
	fresh := Summarise(s)
	if fresh.Tally.Records < old.Tally.Records { // of records that are gone, what they said is kept
		fresh = old
		fresh.Fold = SnapshotVersion
	}
	body, err := json.Marshal(fresh)
	if err != nil {
		return false, err
	}
	_, err = e.Store.Commit(ctx, store.Step{Stream: stream, Expect: loaded.Seq, Summary: body})
	return err == nil, err
}
