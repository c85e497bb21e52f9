package bolt_test

import (
	"path/filepath"
	"testing"
	"time"

	"muster/store/kv"
	"muster/store/kv/bolt"
	"muster/store/storetest"
)

func TestEngine(t *testing.T) {
	storetest.Engine(t, func(t testing.TB) kv.Engine {
		db, err := bolt.Open(filepath.Join(t.TempDir(), "test.db"), bolt.Options{Timeout: time.Second, NoSync: true, AppendOnly: []byte("a")})
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
}
