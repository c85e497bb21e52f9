package alerts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/alerts"
)

// told reads a payload on its own, from the plain tree of its JSON: the
// identities of the alerts that are valid, and whether each is firing. ok is
// false when the payload is none at all.
func told(body []byte) (all map[string]bool, ok bool) {
	var tree any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if deepest(body) > 32 || d.Decode(&tree) != nil || d.More() || len(bytes.TrimSpace(body[d.InputOffset():])) > 0 {
		return nil, false
	}
	top, _ := tree.(map[string]any)
	list, _ := top["alerts"].([]any)
	if len(list) > alerts.MaxAlerts {
		return nil, false
	}
	all = map[string]bool{}
	for _, item := range list {
		a, isObject := item.(map[string]any)
		labels, hasLabels := a["labels"].(map[string]any)
		if !isObject || a["labels"] != nil && !hasLabels {
			continue
		}
		name := word(a["fingerprint"])
		if r := []rune(name); len(r) > 200 {
			h := fnv.New64a()
			fmt.Fprint(h, name)
			name = fmt.Sprintf("%s…%016x", string(r[:183]), h.Sum64())
		}
		if name == "" {
			if len(labels) == 0 {
				continue
			}
			var keys []string
			for k := range labels {
				keys = append(keys, k)
			}
			sort.Strings(keys)
			h := fnv.New64a()
			for _, k := range keys {
				fmt.Fprintf(h, "%s\xff%s\xff", k, word(labels[k]))
			}
			name = fmt.Sprintf("%016x", h.Sum64())
		}
		var at time.Time
		if a["startsAt"] != nil {
			var err error
			if at, err = time.Parse(time.RFC3339, strings.TrimSpace(word(a["startsAt"]))); err != nil {
				n, err := strconv.ParseInt(strings.TrimSpace(word(a["startsAt"])), 10, 64)
				if err != nil || n < 0 || n > 1<<37 {
					continue
				}
				at = time.Unix(n, 0)
			}
			if y := at.UTC().Year(); y < 1 || y > 9000 {
				continue
			}
		}
		status := strings.ToLower(strings.TrimSpace(word(a["status"])))
		if status == "" {
			status = strings.ToLower(strings.TrimSpace(word(top["status"])))
		}
		all[name+"@"+at.UTC().Format(time.RFC3339Nano)] = status != "resolved"
	}
	return all, len(all) > 0
}

func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// deepest is how deep a payload is nested, what is told twice included.
func deepest(body []byte) int {
	depth, most := 0, 0
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			most = max(most, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// check holds one payload against the independent reading.
func check(t testing.TB, body []byte) (valid int, b alerts.Batch) {
	t.Helper()
	want, ok := told(body)
	b, notes, err := alerts.ReadAlertmanager(body)
	if (err == nil) != ok {
		t.Fatalf("read: %v; the independent reading: %v, %v\n%s", err, want, ok, body)
	}
	got := map[string]bool{}
	for _, a := range b.Alerts {
		if _, twice := got[a.Identity()]; twice {
			t.Fatalf("%s is there twice\n%s", a.Identity(), body)
		}
		got[a.Identity()] = a.Firing
		if a.Name == "" {
			t.Fatalf("an alert has no name\n%s", body)
		}
	}
	if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("read %v and %q, the independent reading has %v\n%s", got, notes, want, body)
	}
	return len(got), b
}

// mutate changes a payload in one to four places: its bytes, or the tree of its JSON.
func mutate(r *rand.Rand, body []byte) []byte {
	var tree any
	if r.IntN(4) > 0 && json.Unmarshal(body, &tree) == nil {
		for range 1 + r.IntN(4) {
			tree = change(r, tree, 0)
		}
		out, err := json.Marshal(tree)
		if err != nil {
			panic(err)
		}
		return out
	}
	out := bytes.Clone(body)
	for range 1 + r.IntN(4) {
		if len(out) < 2 {
			break
		}
		i := r.IntN(len(out))
		j := min(len(out), i+1+r.IntN(40))
		switch r.IntN(5) {
		case 0:
			out[i] ^= 1 << r.IntN(8)
		case 1:
			out = append(out[:i:i], out[j:]...)
		case 2:
			out = append(out[:j:j], out[i:]...)
		case 3:
			out = append(append(out[:i:i], `"{}[],:\u0 9`[r.IntN(12)]), out[i:]...)
		case 4:
			k := r.IntN(len(out))
			out[i], out[k] = out[k], out[i]
		}
	}
	return out
}

// odd are values that may stand anywhere.
var odd = []any{
	nil, true, false, 0.0, -1.0, 1e300, 1795348800.0, "", " ", "firing", "resolved", "RESOLVED ", "0001-01-01T00:00:00Z", "2026-11-22T10:30:58.108Z",
	"2026-11-22T10:30:58.108+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "\x00\u202e�", "<!channel>",
	strings.Repeat("x", 5000), []any{}, map[string]any{}, []any{[]any{[]any{}}}, map[string]any{"alertname": "A"}, map[string]any{"a": map[string]any{"b": "c"}},
}

func change(r *rand.Rand, v any, level int) any {
	if level > 1 && r.IntN(6) == 0 {
		return oddity(r)
	}
	switch v := v.(type) {
	case map[string]any:
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		if len(keys) == 0 {
			return oddity(r)
		}
		sort.Strings(keys)
		k := keys[r.IntN(len(keys))]
		if _, has := v["alerts"]; has && r.IntN(2) == 0 {
			k = "alerts"
		}
		switch r.IntN(8) {
		case 0:
			delete(v, k)
		case 1:
			v[strings.ToUpper(k[:min(1, len(k))])+k[min(1, len(k)):]] = v[k]
			if r.IntN(2) == 0 {
				delete(v, k)
			}
		case 2:
			v[k] = oddity(r)
		default:
			v[k] = change(r, v[k], level+1)
		}
		return v
	case []any:
		if len(v) == 0 {
			return []any{oddity(r)}
		}
		i := r.IntN(len(v))
		switch r.IntN(6) {
		case 0:
			return append(v[:i:i], v[i+1:]...)
		case 1:
			return append(v, clone(v[i]))
		case 2:
			return append([]any{oddity(r)}, v...)
		case 3:
			r.Shuffle(len(v), func(a, b int) { v[a], v[b] = v[b], v[a] })
			return v
		}
		v[i] = change(r, v[i], level+1)
		return v
	}
	return oddity(r)
}

// clone copies a tree, so that one copy can change without the other.
func clone(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}

var real = []string{
	"alertmanager-firing.json", "alertmanager-firing-v0.31.1.json", "alertmanager-mixed-firing-resolved.json",
	"alertmanager-resolved.json", "alertmanager-resolved-v0.31.1.json",
}

// Many payloads, 100,000 without the race detector, each made from a real one: none crashes, none loses a
// valid alert, none doubles one.
func TestMutatedPayloads(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2026))
	var bodies [][]byte
	for _, name := range real {
		bodies = append(bodies, payload(t, name))
	}
	readable, valid := 0, 0
	for i := range mutations {
		n, _ := check(t, mutate(r, bodies[i%len(bodies)]))
		valid += n
		if n > 0 {
			readable++
		}
	}
	t.Logf("%d payloads, %d of them readable, %d alerts", mutations, readable, valid)
	if readable < mutations/4 || readable == mutations {
		t.Errorf("the mutations are of no use: %d of %d readable", readable, mutations)
	}
}

func FuzzAlertmanager(f *testing.F) {
	for _, name := range real {
		f.Add(payload(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) < 1<<16 {
			checkAlertmanager(t, body)
		}
	})
}

func FuzzGeneric(f *testing.F) {
	f.Add([]byte(`{"name":"A","severity":"critical","labels":{"a":"b"},"links":{"runbook":"https://r.example.com"}}`))
	f.Add([]byte(`[{"name":"A"},{"name":"A"},{"name":"B","status":"resolved","starts_at":"2026-11-22T12:00:00Z"}]`))
	f.Add([]byte(fmt.Sprintf(pagerDuty, "triggered", "abc")))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) < 1<<16 {
			checkGeneric(t, body)
		}
	})
}

func oddity(r *rand.Rand) any { return clone(odd[r.IntN(len(odd))]) }
