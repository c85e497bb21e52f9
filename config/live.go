package config

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
)

// Live holds the configuration that is in force. Reading it is cheap and safe
// from everywhere; whoever reads keeps one consistent configuration.
type Live struct {
	dir string
	env func(string) (string, bool)
	now atomic.Pointer[Config]
	// reloading keeps an older load from replacing a newer one, and guards
	// seen.
	reloading sync.Mutex
	// seen is what the files were at the last load, taken before it.
	seen [sha256.Size]byte
}

// NewLive loads a directory for the first time. An error is of type Problems.
func NewLive(dir string, env func(string) (string, bool)) (*Live, error) {
	seen := fingerprint(dir)
	cfg, err := Load(dir, env)
	if err != nil {
		return nil, err
	}
	l := &Live{dir: dir, env: env, seen: seen}
	l.now.Store(cfg)
	return l, nil
}

// Get gives the configuration in force.
func (l *Live) Get() *Config { return l.now.Load() }

// Reload loads the directory again. With any problem the configuration stays
// as it is, and the error, which wraps Problems, says why. That the people on
// call are gone is a problem too: a volume that is away for a moment must not
// put the example people on call.
func (l *Live) Reload() error {
	l.reloading.Lock()
	defer l.reloading.Unlock()
	l.seen = fingerprint(l.dir)
	cfg, err := Load(l.dir, l.env)
	if err == nil && cfg.BuiltIn(rotationFile) && !l.Get().BuiltIn(rotationFile) {
		err = Problems{{File: rotationFile, Text: "the file is gone, and the built-in example people would be on call; put it back, or restart to have them"}}
	}
	if err != nil {
		return fmt.Errorf("the configuration stays as it was:\n%w", err)
	}
	l.now.Store(cfg)
	return nil
}

// Watch reloads whenever a file of the directory changes, until ctx ends, and
// hands each reload's outcome to told. A change since the last load counts.
func (l *Live) Watch(ctx context.Context, told func(error)) error {
	l.reloading.Lock()
	seen := l.seen
	l.reloading.Unlock()
	return watch(ctx, l.dir, seen, func() { told(l.Reload()) })
}
