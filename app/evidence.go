package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"muster/playbooks/evidence"
)

// evidenceOf is the evidence that belongs to a data file. It is plain files, so that it can be read while the program
// runs.
func evidenceOf(data string) *evidence.Store { return evidence.Open(evidence.Beside(data), time.Now) }

// EvidenceList says what was kept for an incident.
func EvidenceList(ctx context.Context, q Question, data, incident string) error {
	pieces, err := evidenceOf(data).List(ctx, incident)
	if err != nil {
		return err
	}
	if len(pieces) == 0 {
		return fmt.Errorf("nothing was kept for %s in %s", incident, evidence.Beside(data))
	}
	var text strings.Builder
	for _, p := range pieces {
		fmt.Fprintf(&text, "%s  %s  %10d bytes  %s\n", p.At.Format(time.RFC3339), p.SHA256[:12], p.Size, p.Name)
	}
	return q.print(text.String(), map[string]any{"ok": true, "pieces": pieces})
}

// EvidenceVerify holds everything that was kept against its hashes: for one incident, or with no name for all.
func EvidenceVerify(ctx context.Context, q Question, data, incident string) error {
	s := evidenceOf(data)
	all := []string{incident}
	if incident == "" {
		var err error
		if all, err = s.Incidents(); err != nil {
			return err
		}
	}
	sum := 0
	var problems []error
	for _, id := range all {
		n, err := s.Verify(ctx, id)
		sum += n
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", id, err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("the evidence is not what was kept: %w", err)
	}
	return q.print(fmt.Sprintf("%d pieces of evidence are what was kept", sum), map[string]any{"ok": true, "pieces": sum})
}

// EvidenceArchive writes an incident's evidence as a zip file with its hashes, and reads it back to check them.
func EvidenceArchive(ctx context.Context, q Question, data, incident, to string) error {
	if exists(to) {
		return fmt.Errorf("%s is there already: name a new file", to)
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	n, err := archiveEvidence(ctx, evidenceOf(data), incident, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", to, err), os.Remove(to))
	}
	text := fmt.Sprintf("wrote %s: %d pieces, and their hashes in %s, which sha256sum -c reads", to, n, evidence.SumsName)
	return q.print(text, map[string]any{"ok": true, "wrote": to, "pieces": n})
}

func archiveEvidence(ctx context.Context, s *evidence.Store, incident string, f *os.File) (int, error) {
	if err := s.Archive(ctx, incident, f); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	n, err := evidence.VerifyArchive(f, info.Size())
	if err == nil && n == 0 {
		err = fmt.Errorf("nothing was kept for %s", incident)
	}
	return n, err
}
