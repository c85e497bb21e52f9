package kv

import (
	"bytes"
	"slices"
	"sync"
)

// Memory is an engine without a disk. Its zero value is empty and ready. Close
// leaves the content: the same engine may be opened again, which is how tests
// restart without a file.
type Memory struct {
	mu     sync.RWMutex
	spaces [256][]pair
}

type pair struct{ key, value []byte }

func find(space []pair, key []byte) (int, bool) {
	if n := len(space); n > 0 && bytes.Compare(space[n-1].key, key) < 0 {
		return n, false
	}
	return slices.BinarySearchFunc(space, key, func(p pair, k []byte) int { return bytes.Compare(p.key, k) })
}

// Commit implements Engine.
func (m *Memory) Commit(batch []Op, only []If) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range only {
		space := m.spaces[c.Key[0]]
		i, found := find(space, c.Key)
		if found != (c.Value != nil) || found && !bytes.Equal(space[i].value, c.Value) {
			return ErrChanged
		}
	}
	for _, op := range batch {
		space := &m.spaces[op.Key[0]]
		i, found := find(*space, op.Key)
		switch {
		case op.Delete && found:
			*space = slices.Delete(*space, i, i+1)
		case op.Delete:
		case found:
			(*space)[i].value = append([]byte{}, op.Value...)
		default:
			*space = slices.Insert(*space, i, pair{bytes.Clone(op.Key), append([]byte{}, op.Value...)})
		}
	}
	return nil
}

// Scan implements Engine.
func (m *Memory) Scan(r Range, visit func(key, value []byte) bool) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for n := range len(m.spaces) {
		if r.Reverse {
			n = len(m.spaces) - 1 - n
		}
		space := m.spaces[n]
		lo, hi := 0, len(space)
		if r.From != nil {
			lo, _ = find(space, r.From)
		}
		if r.To != nil {
			hi, _ = find(space, r.To)
		}
		for i := range max(hi-lo, 0) {
			at := lo + i
			if r.Reverse {
				at = hi - 1 - i
			}
			if !visit(space[at].key, space[at].value) {
				return nil
			}
		}
	}
	return nil
}

// Rewrite implements Rewriter; keep has no meaning here.
func (m *Memory) Rewrite(_ string, fill func(from, to Engine) error) error {
	var fresh Memory
	if err := fill(m, &fresh); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spaces = fresh.spaces
	return nil
}

// Close implements Engine.
func (m *Memory) Close() error { return nil }
