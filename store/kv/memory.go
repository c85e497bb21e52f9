package kv

import (
	"bytes"
	"slices"
	"sort"
	"sync"
)

// Memory is an engine without a disk. Its zero value is empty and ready. Close
// leaves the content: the same engine may be opened again, which is how tests
// restart without a file.
type Memory struct {
	mu     sync.RWMutex
	spaces map[byte][]pair
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
	if m.spaces == nil {
		m.spaces = map[byte][]pair{}
	}
	for _, op := range batch {
		space := m.spaces[op.Key[0]]
		i, found := find(space, op.Key)
		switch {
		case op.Delete && found:
			space = slices.Delete(space, i, i+1)
		case op.Delete:
		case found:
			space[i].value = append([]byte{}, op.Value...)
		default:
			space = slices.Insert(space, i, pair{bytes.Clone(op.Key), append([]byte{}, op.Value...)})
		}
		m.spaces[op.Key[0]] = space
	}
	return nil
}

// Scan implements Engine.
func (m *Memory) Scan(r Range, visit func(key, value []byte) bool) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if r.From != nil {
		visitSpace(m.spaces[r.From[0]], r, visit)
		return nil
	}
	names := make([]int, 0, len(m.spaces))
	for b := range m.spaces {
		names = append(names, int(b))
	}
	sort.Ints(names)
	if r.Reverse {
		slices.Reverse(names)
	}
	for _, b := range names {
		if !visitSpace(m.spaces[byte(b)], r, visit) {
			return nil
		}
	}
	return nil
}

func visitSpace(space []pair, r Range, visit func(key, value []byte) bool) bool {
	lo, hi := 0, len(space)
	if r.From != nil {
		lo, _ = find(space, r.From)
	}
	if r.To != nil {
		hi, _ = find(space, r.To)
	}
	for n := range max(hi-lo, 0) {
		i := lo + n
		if r.Reverse {
			i = hi - 1 - n
		}
		if !visit(space[i].key, space[i].value) {
			return false
		}
	}
	return true
}

// Close implements Engine.
func (m *Memory) Close() error { return nil }
