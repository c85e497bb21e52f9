package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const name = `("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)`

var (
	indexMade = regexp.MustCompile(`(?is)^\s*create\s+(?:unique\s+)?index\s+(concurrently\s+)?(?:if\s+not\s+exists\s+)?` + name + `\s+on\s+(?:only\s+)?((?:` + name + `\.)?` + name + `)`)
	backends  = regexp.MustCompile(`(?i)\bpg_(cancel|terminate)_backend\s*\(\s*(\d+)`)
)

// index is one that a statement makes.
type index struct {
	name         string // as the statement writes it
	table        string
	concurrently bool
}

func madeIndex(sql string) (index, bool) {
	m := indexMade.FindStringSubmatch(sql)
	if m == nil {
		return index{}, false
	}
	return index{name: m[2], table: m[3], concurrently: m[1] != ""}, true
}

func concurrentIndex(sql string) (index, bool) {
	i, ok := madeIndex(sql)
	return i, ok && i.concurrently
}

// qualified is the index in its table's schema; empty: there is none.
func (s *Session) qualified(ctx context.Context, i index) (string, error) {
	return s.one(ctx, `SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_index x ON x.indexrelid = c.oid
		WHERE x.indrelid = to_regclass($1) AND c.relname = (parse_ident($2))[1]`, i.table, i.name)
}

func (s *Session) invalid(ctx context.Context, qualified string) (bool, error) {
	v, err := s.one(ctx, `SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)`, qualified)
	return v == "t", err
}

// olderSnapshots are transactions that CREATE INDEX CONCURRENTLY must wait for.
func (s *Session) olderSnapshots(ctx context.Context) (string, error) {
	return s.one(ctx, `SELECT string_agg('pid ' || pid || ' (' || coalesce(usename::text, '?') || ', since ' || to_char(now() - xact_start, 'HH24:MI:SS') || ')', ', ')
		FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND xact_start < now() - interval '10 seconds' AND backend_type = 'client backend'`)
}

// createIndex runs CREATE INDEX CONCURRENTLY: outside of a transaction, after a look at what it waits for, and without
// leaving an invalid index behind.
func (s *Session) createIndex(ctx context.Context, sql string, i index) (Answer, error) {
	before, err := s.qualified(ctx, i)
	if err != nil {
		return Answer{}, err
	}
	if before != "" {
		bad, err := s.invalid(ctx, before)
		if err != nil {
			return Answer{}, err
		}
		if bad {
			return Answer{}, fmt.Errorf("the index %s is there and invalid, left by an earlier attempt: run DROP INDEX CONCURRENTLY %s first", before, before)
		}
	}
	var remarks []string
	waits, err := s.olderSnapshots(ctx)
	if err != nil {
		return Answer{}, err
	}
	if waits != "" {
		remarks = append(remarks, "It waits for older transactions: "+waits+".")
	}
	// It waits for locks as long as for snapshots; the statement's own timeout ends both.
	if _, err := s.ask(ctx, "SET lock_timeout = 0"); err != nil {
		return Answer{}, err
	}
	a, err := s.ask(ctx, sql)
	a.Remarks = append(remarks, a.Remarks...)
	if err == nil {
		return a, nil
	}
	// What is left is looked at and dropped even when the step's own time is over.
	tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserve)
	defer cancel()
	if s.conn.IsClosed() {
		return a, errors.Join(err, errors.New("an invalid index may be left: look for it in pg_index and drop it"))
	}
	left, failed := s.qualified(tidy, i)
	if failed != nil || left == "" || left == before {
		return a, errors.Join(err, failed)
	}
	if bad, failed := s.invalid(tidy, left); failed != nil || !bad {
		return a, errors.Join(err, failed)
	}
	if _, failed := s.ask(tidy, "SET statement_timeout = "+milliseconds(reserve*3/5)); failed != nil {
		return a, errors.Join(err, failed)
	}
	if _, failed := s.ask(tidy, "DROP INDEX CONCURRENTLY IF EXISTS "+left); failed != nil {
		// It waits for transactions that have looked at the table.
		a.Left = left
		return a, fmt.Errorf("%w The invalid index %s is left, because older transactions hold the table: undo this step when they have ended, or run DROP INDEX CONCURRENTLY %s", err, left, left)
	}
	return a, fmt.Errorf("%w The invalid index %s that it left was dropped", err, left)
}

// Made is what undoing a statement needs.
type Made struct {
	Index string // schema and name of an index that the statement made
}

// MadeBy says what a statement that ran has made that can be taken away again; existed is what Existing said before.
func (s *Session) MadeBy(ctx context.Context, sql string, existed bool) (Made, bool, error) {
	i, ok := madeIndex(sql)
	if !ok || existed {
		return Made{}, false, nil
	}
	q, err := s.qualified(ctx, i)
	return Made{Index: q}, q != "" && err == nil, err
}

// Existing tells whether the index that a statement would make is there already.
func (s *Session) Existing(ctx context.Context, sql string) (bool, error) {
	i, ok := madeIndex(sql)
	if !ok {
		return false, nil
	}
	q, err := s.qualified(ctx, i)
	return q != "", err
}

// Drop takes away what a statement made.
func (s *Session) Drop(ctx context.Context, m Made) error {
	_, err := s.ask(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+m.Index)
	return err
}

// Backend is a session that a statement would cancel or end.
type Backend struct {
	PID  string
	Verb string // cancel or terminate
	// Since is when its query began; empty: there is no such session. A pid is used again, this moment is not.
	Since string
	Says  string
}

// Backends are the sessions that a statement names by number.
func (s *Session) Backends(ctx context.Context, sql string) ([]Backend, error) {
	var out []Backend
	for _, m := range backends.FindAllStringSubmatch(sql, -1) {
		b := Backend{Verb: strings.ToLower(m[1]), PID: m[2]}
		var err error
		if b.Since, err = s.one(ctx, `SELECT coalesce(query_start::text, backend_start::text) FROM pg_stat_activity WHERE pid = $1`, b.PID); err != nil {
			return nil, err
		}
		if b.Says, err = s.one(ctx, `SELECT format('%s of %s, %s since %s: %s', pid, coalesce(usename::text, '?'), coalesce(state, '?'), coalesce(to_char(now() - query_start, 'HH24:MI:SS'), '?'), left(query, 200)) FROM pg_stat_activity WHERE pid = $1`, b.PID); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Plan says what a changing statement would do, without doing it: the plan of a query that writes rows, the size of an
// index's table and what would be waited for. Remarks only: there is no dry run of the rest.
func (s *Session) Plan(ctx context.Context, st Statement) (Answer, error) {
	if i, ok := madeIndex(st.Text); ok {
		return s.planIndex(ctx, i)
	}
	first := strings.ToLower(strings.Fields(st.Text + " ?")[0])
	switch first {
	case "insert", "update", "delete", "merge", "with":
		return s.Run(ctx, Statement{Text: "EXPLAIN " + st.Text})
	}
	return Answer{Remarks: []string{"The database has no dry run of this; it would run: " + shorten(st.Text)}}, nil
}

func (s *Session) planIndex(ctx context.Context, i index) (Answer, error) {
	var a Answer
	size, err := s.one(ctx, `SELECT pg_size_pretty(pg_total_relation_size(to_regclass($1)))`, i.table)
	if err != nil {
		return a, err
	}
	if size == "" {
		return a, fmt.Errorf("there is no table %s", i.table)
	}
	a.Remarks = append(a.Remarks, fmt.Sprintf("The table %s has %s.", i.table, size))
	if !i.concurrently {
		a.Remarks = append(a.Remarks, "Without CONCURRENTLY nobody can write to the table until it is done.")
	}
	q, err := s.qualified(ctx, i)
	if err != nil {
		return a, err
	}
	if q != "" {
		bad, err := s.invalid(ctx, q)
		if err != nil {
			return a, err
		}
		if bad {
			a.Remarks = append(a.Remarks, "The index "+q+" is there and invalid, left by an earlier attempt: drop it first.")
		} else {
			a.Remarks = append(a.Remarks, "The index "+q+" is there already.")
		}
	}
	waits, err := s.olderSnapshots(ctx)
	if waits != "" {
		a.Remarks = append(a.Remarks, "It would wait for older transactions: "+waits+".")
	}
	return a, err
}
