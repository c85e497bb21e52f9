package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"muster/store/kv"
)

// Engine holds a key-value engine against what package kv promises, by random
// batches and ranges. fresh makes an empty one that lives as long as the test.
func Engine(t *testing.T, fresh func(t testing.TB) kv.Engine) {
	t.Run("random batches", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			engine, want := fresh(t), map[string]string{}
			defer func() { ok(t, engine.Close()) }()
			rt.Repeat(map[string]func(*rapid.T){
				"commit": func(rt *rapid.T) { commitRandom(rt, engine, want) },
				"":       func(rt *rapid.T) { scanRandom(rt, engine, want) },
			})
		})
	})
	t.Run("closed", func(t *testing.T) {
		engine := fresh(t)
		ok(t, engine.Close())
		ok(t, engine.Close())
	})
	t.Run("a panic while visiting is the caller's own", func(t *testing.T) {
		engine := fresh(t)
		defer func() { ok(t, engine.Close()) }()
		ok(t, engine.Commit([]kv.Op{{Key: []byte("a"), Value: []byte("b")}}, nil))
		func() {
			defer func() { equal(t, "panic", recover(), "mine") }()
			_ = engine.Scan(kv.Range{}, func(_, _ []byte) bool { panic("mine") })
		}()
		ok(t, engine.Commit([]kv.Op{{Key: []byte("a"), Value: []byte("c")}}, nil))
	})
	t.Run("rewriting is all or nothing", func(t *testing.T) {
		engine := fresh(t)
		defer func() { ok(t, engine.Close()) }()
		rewriter, is := engine.(kv.Rewriter)
		if !is {
			t.Skip("the engine cannot be rewritten")
		}
		ok(t, engine.Commit([]kv.Op{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("z"), Value: []byte("2")}}, nil))
		own := errors.New("halfway")
		err := rewriter.Rewrite("", func(_, to kv.Engine) error {
			ok(t, to.Commit([]kv.Op{{Key: []byte("a"), Value: []byte("changed")}}, nil))
			return own
		})
		if !errors.Is(err, own) {
			t.Fatalf("got %v", err)
		}
		v, _, err := kv.Get(engine, []byte("a"))
		ok(t, err)
		equal(t, "after a failure", string(v), "1")
		ok(t, rewriter.Rewrite("", kv.Copy))
		v, _, err = kv.Get(engine, []byte("z"))
		ok(t, err)
		equal(t, "after a copy", string(v), "2")
		ok(t, engine.Commit([]kv.Op{{Key: []byte("b"), Value: []byte("3")}}, nil))
	})
}

// keys are few, so that they meet, and in several spaces.
func keys() *rapid.Generator[string] { return rapid.StringMatching(`[acz][ab]{0,2}`) }

func commitRandom(rt *rapid.T, engine kv.Engine, want map[string]string) {
	var batch []kv.Op
	next := maps.Clone(want)
	for range rapid.IntRange(0, 6).Draw(rt, "ops") {
		op := kv.Op{Key: []byte(keys().Draw(rt, "key")), Delete: rapid.IntRange(0, 2).Draw(rt, "delete") == 0}
		if op.Delete {
			delete(next, string(op.Key))
		} else {
			op.Value = []byte(rapid.StringN(0, 5, 2000).Draw(rt, "value"))
			next[string(op.Key)] = string(op.Value)
		}
		batch = append(batch, op)
	}
	var only []kv.If
	holds := true
	for range rapid.IntRange(0, 2).Draw(rt, "preconditions") {
		c := kv.If{Key: []byte(keys().Draw(rt, "if key"))}
		now, there := want[string(c.Key)]
		switch rapid.IntRange(0, 4).Draw(rt, "if") {
		case 0:
			holds = holds && !there
		case 1:
			c.Value = []byte("never")
			holds = false
		case 2:
			c.Value = []byte{}
			holds = holds && there && now == ""
		default:
			if there {
				c.Value = []byte(now)
			}
		}
		only = append(only, c)
	}
	err := engine.Commit(batch, only)
	if holds && err != nil || !holds && !errors.Is(err, kv.ErrChanged) {
		rt.Fatalf("commit: %v, preconditions hold: %t", err, holds)
	}
	for _, op := range batch {
		clear(op.Key)
		clear(op.Value)
	}
	if holds {
		clear(want)
		maps.Copy(want, next)
	}
}

func scanRandom(rt *rapid.T, engine kv.Engine, want map[string]string) {
	var r kv.Range
	if rapid.Bool().Draw(rt, "from") {
		r.From = []byte(keys().Draw(rt, "from key"))
	}
	if rapid.Bool().Draw(rt, "to") {
		r.To = []byte(keys().Draw(rt, "to key"))
	}
	r.Reverse = rapid.Bool().Draw(rt, "reverse")
	most := rapid.IntRange(1, 8).Draw(rt, "most")
	expect := []string{}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if bytes.Compare([]byte(k), r.From) >= 0 && (r.To == nil || bytes.Compare([]byte(k), r.To) < 0) {
			expect = append(expect, k+"="+want[k])
		}
	}
	if r.Reverse {
		slices.Reverse(expect)
	}
	expect = expect[:min(most, len(expect))]
	got := []string{}
	err := engine.Scan(r, func(k, v []byte) bool {
		got = append(got, fmt.Sprintf("%s=%s", k, v))
		return len(got) < most
	})
	if err != nil || !slices.Equal(got, expect) {
		rt.Fatalf("scan %+v: %v\n got %q\nwant %q", r, err, got, expect)
	}
}
