package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Erase removes all that was kept for some incidents; what is also kept for
// another stays there. One that it did not come to the end of can be erased
// again. It returns how many pieces went.
func (s *Store) Erase(ctx context.Context, incidents ...string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, err := s.Incidents()
	if err != nil {
		return 0, err
	}
	shared := map[string]bool{}
	for _, id := range known {
		if slices.Contains(incidents, id) {
			continue
		}
		_, pieces, err := s.listed(id)
		if err != nil {
			return 0, err
		}
		for _, p := range pieces {
			shared[p.SHA256] = true
		}
	}
	erased := 0
	for _, id := range incidents {
		if err := ctx.Err(); err != nil {
			return erased, err
		}
		list, pieces, err := s.listed(id)
		if err != nil {
			return erased, err
		}
		for _, p := range pieces {
			if shared[p.SHA256] {
				continue
			}
			if err := gone(s.object(p.SHA256)); err != nil {
				return erased, fmt.Errorf("erase %s of %s: %w", p.Name, id, err)
			}
		}
		if err := gone(list); err != nil {
			return erased, fmt.Errorf("erase the list of %s: %w", id, err)
		}
		erased += len(pieces)
	}
	if erased > 0 {
		err = syncDir(filepath.Join(s.dir, "incidents"))
	}
	return erased, err
}

func (s *Store) listed(incident string) (file string, pieces []Piece, err error) {
	if file, err = s.listFile(incident); err != nil {
		return "", nil, err
	}
	if pieces, _, err = readList(file); err != nil {
		err = fmt.Errorf("read the evidence of %s: %w", incident, err)
	}
	return file, pieces, err
}

func gone(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
