package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func watchFile(t *testing.T, text string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "muster.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(dir, env())
	if err != nil {
		return nil, err.Error()
	}
	return c, ""
}

func TestWatchQueries(t *testing.T) {
	c, problems := watchFile(t, "watch:\n  queries:\n    - {name: error rate, expr: errors, unit: ratio, limit: 0.05}\n    - {name: ready, expr: up, limit: '< 1'}\n    - {name: p95, expr: p95}\n")
	if problems != "" {
		t.Fatal(problems)
	}
	q := c.Watch.Queries
	if len(q) != 3 || *q[0].Limit != 0.05 || q[0].Op != "" || q[1].Op != "<" || *q[1].Limit != 1 || q[2].Limit != nil {
		t.Errorf("got %+v", q)
	}
}

func TestWatchQueriesWrong(t *testing.T) {
	for text, want := range map[string]string{
		"watch:\n  querys: []\n":                                                `muster.yaml:2: watch has no key "querys"; did you mean "queries"?`,
		"watch:\n  queries:\n    - {name: a, expr: b, limits: 1}\n":             `muster.yaml:3: query 1 of watch.queries has no key "limits"; did you mean "limit"?`,
		"watch:\n  queries:\n    - name: a\n      expr: b\n      limit: high\n": `muster.yaml:5: limit of query 1 of watch.queries must be a number`,
		"watch:\n  queries:\n    - name: a\n":                                   `muster.yaml:3: query 1 of watch.queries has no expr; add`,
		"watch:\n  queries: errors\n":                                           `muster.yaml:2: watch.queries must be a list`,
	} {
		if _, got := watchFile(t, text); !strings.Contains(got, want) {
			t.Errorf("%s\nsays %q, want %q", text, got, want)
		}
	}
}
