package store_test

import (
	"path/filepath"
	"testing"

	"muster/store"
	"muster/store/kv"
	"muster/store/storetest"
)

// file is a store on disk. It syncs only where a test is about that.
func file(t testing.TB) storetest.Opener {
	path := filepath.Join(t.TempDir(), "muster.db")
	return func(opt store.Options) (*store.Store, error) {
		opt.NoSync = true
		return store.Open(path, opt)
	}
}

func memory(testing.TB) storetest.Opener {
	engine := &kv.Memory{}
	return func(opt store.Options) (*store.Store, error) { return store.On(engine, opt) }
}

func TestFile(t *testing.T)   { storetest.Run(t, file) }
func TestMemory(t *testing.T) { storetest.Run(t, memory) }
