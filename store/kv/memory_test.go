package kv_test

import (
	"testing"

	"muster/store/kv"
	"muster/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Engine(t, func(testing.TB) kv.Engine { return &kv.Memory{} })
}
