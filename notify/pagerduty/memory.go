package pagerduty

import (
	"sync"
	"time"
)

// remembered is how long a memory keeps a key: longer than PagerDuty repeats a
// webhook, about 20 minutes.
const remembered = 24 * time.Hour

// memory is a set of keys that forgets.
type memory struct {
	mu   sync.Mutex
	keys map[string]time.Time
	next time.Time // of the next clearing
}

func newMemory() *memory { return &memory{keys: map[string]time.Time{}} }

func (m *memory) add(key string) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.After(m.next) {
		for k, at := range m.keys {
			if now.Sub(at) > remembered {
				delete(m.keys, k)
			}
		}
		m.next = now.Add(time.Hour)
	}
	m.keys[key] = now
}

func (m *memory) has(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.keys[key]
	return ok && time.Since(at) <= remembered
}
