package run

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"muster/integration/database"
)

// postgresServer starts a PostgreSQL of its own and gives its address.
func postgresServer(t *testing.T) string {
	t.Helper()
	return database.Start(t).URL
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// meanwhile runs a statement until it ends or the test does.
func meanwhile(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _, _ = c.Exec(ctx, sql) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

func execute(t *testing.T, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// sqlStep performs one statement.
func sqlStep(t *testing.T, r *Runner, mode Mode, code string, more func(*Request)) Result {
	t.Helper()
	req := Request{Run: fmt.Sprint(t.Name(), time.Now().UnixNano()), Mode: mode, Kind: SQL, Code: code, Limits: Limits{Deadline: time.Minute}}
	if more != nil {
		more(&req)
	}
	res, err := r.Do(t.Context(), req)
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return res
}

// A slow query, a session that blocks others and a missing index, on a real server.
func TestAPostgreSQLInTrouble(t *testing.T) {
	url := postgresServer(t)
	admin := connect(t, url)
	execute(t, admin, `CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL, note text)`)
	execute(t, admin, `INSERT INTO orders (customer, note) SELECT i % 1000, 'n' || i FROM generate_series(1, 20000) i`)
	execute(t, admin, `ANALYZE`)
	r := New(Config{DataSources: map[string]string{"main": url}})

	slow := connect(t, url)
	meanwhile(t, slow, `SELECT pg_sleep(600)`)
	blocker, blocked := connect(t, url), connect(t, url)
	execute(t, blocker, `BEGIN`)
	execute(t, blocker, `UPDATE orders SET note = 'mine' WHERE id = 1`)
	meanwhile(t, blocked, `UPDATE orders SET note = 'yours' WHERE id = 1`)
	const blocking = `SELECT blocked.pid AS blocked, unnest(pg_blocking_pids(blocked.pid)) AS blocker FROM pg_stat_activity blocked WHERE cardinality(pg_blocking_pids(blocked.pid)) > 0`
	var found Result
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if found = sqlStep(t, r, Read, blocking, nil); found.Table != nil && len(found.Table.Rows) == 1 {
			break
		}
	}
	if found.Ended != Done || found.Table == nil || len(found.Table.Rows) != 1 || found.Table.Rows[0][1] != strconv.Itoa(int(blocker.PgConn().PID())) {
		t.Fatalf("the blocker: %s %s %+v\n%s", found.Ended, found.Why, found.Table, found.Output)
	}
	long := sqlStep(t, r, Read, `SELECT pid, query FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid() ORDER BY query_start`, nil)
	if long.Table == nil || len(long.Table.Rows) != 1 || long.Table.Rows[0][0] != strconv.Itoa(int(slow.PgConn().PID())) {
		t.Fatalf("the slow query: %s %s", long.Why, long.Output)
	}

	// Cancelling is previewed, bound to the query that was seen, and refused as a reading step.
	stop := `SELECT pg_cancel_backend(` + long.Table.Rows[0][0] + `)`
	if res := sqlStep(t, r, Read, stop, nil); res.Ended != Refused {
		t.Errorf("cancelling as reading: %s %s", res.Ended, res.Why)
	}
	preview := sqlStep(t, r, Preview, stop, nil)
	if preview.Ended != Done || len(preview.Touches) != 1 || !strings.Contains(strings.Join(preview.Remarks, "\n"), "pg_sleep") {
		t.Errorf("preview: %+v", preview)
	}
	other := preview.Touches[0]
	other.Version = "2001-01-01 00:00:00+00"
	if res := sqlStep(t, r, Change, stop, func(q *Request) { q.Seen = []Object{other} }); res.Ended != Changed {
		t.Errorf("another query of the same pid: %s %s", res.Ended, res.Why)
	}
	if res := sqlStep(t, r, Change, stop, func(q *Request) { q.Seen = preview.Touches }); res.Ended != Done || res.Table.Rows[0][0] != "t" {
		t.Errorf("cancel: %s %s %s", res.Ended, res.Why, res.Output)
	}
	if res := sqlStep(t, r, Change, `SELECT pg_terminate_backend(`+found.Table.Rows[0][1]+`)`, nil); res.Ended != Done {
		t.Errorf("terminate: %s %s", res.Ended, res.Why)
	}

	// The missing index: made outside of a transaction, there, valid, and undone.
	const index = `CREATE INDEX CONCURRENTLY orders_customer ON orders (customer)`
	preview = sqlStep(t, r, Preview, index, nil)
	if preview.Ended != Done || !strings.Contains(strings.Join(preview.Remarks, "\n"), "The table orders has") {
		t.Errorf("preview of the index: %s %s %q", preview.Ended, preview.Why, preview.Remarks)
	}
	made := sqlStep(t, r, Change, index, nil)
	valid := func() (n int) {
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('orders_customer') AND indisvalid`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if made.Ended != Done || valid() != 1 || !strings.Contains(made.UndoNote, "orders_customer") {
		t.Fatalf("the index: %s %s %s %s", made.Ended, made.Why, made.Output, made.UndoNote)
	}
	if res := sqlStep(t, r, Undo, "", func(q *Request) { q.Undo = made.Undo }); res.Ended != Done || valid() != 0 {
		t.Errorf("undo of the index: %s %s", res.Ended, res.Why)
	}

	// An older transaction holds it up: it ends in time and leaves no invalid index, or says that one is left and offers
	// to drop it.
	old := connect(t, url)
	for _, c := range []struct {
		looks, says string
		left        int
	}{{`SELECT 1`, "was dropped", 0}, {`SELECT count(*) FROM orders`, "is left", 1}} {
		execute(t, old, `BEGIN ISOLATION LEVEL REPEATABLE READ`)
		execute(t, old, c.looks)
		held := sqlStep(t, r, Change, index, func(q *Request) { q.Limits.Deadline = 9 * time.Second })
		var left int
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_class WHERE relname = 'orders_customer'`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if held.Ended != Failed || left != c.left || !strings.Contains(held.Why, c.says) {
			t.Errorf("held up by %s: %s %q, %d left", c.looks, held.Ended, held.Why, left)
		}
		execute(t, old, `ROLLBACK`)
		if c.left == 0 {
			continue
		}
		if res := sqlStep(t, r, Change, index, nil); res.Ended != Failed || !strings.Contains(res.Why, "invalid") {
			t.Errorf("over an invalid index: %s %s", res.Ended, res.Why)
		}
		if res := sqlStep(t, r, Undo, "", func(q *Request) { q.Undo = held.Undo }); res.Ended != Done {
			t.Errorf("drop what was left: %s %s", res.Ended, res.Why)
		}
	}
}

func TestReadingSQLIsBounded(t *testing.T) {
	url := postgresServer(t)
	admin := connect(t, url)
	execute(t, admin, `CREATE TABLE t (a int)`)
	execute(t, admin, `CREATE FUNCTION sly() RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (1) RETURNING a'`)
	execute(t, admin, `CREATE ROLE weak LOGIN`)
	weak := strings.Replace(url, "admin@", "weak@", 1)
	r := New(Config{DataSources: map[string]string{"main": url, "weak": weak}})
	if res := sqlStep(t, r, Read, `SELECT sly()`, nil); res.Ended == Done {
		t.Errorf("a function wrote in a reading step: %s", res.Output)
	}
	for _, code := range []string{`DELETE FROM t`, `SELECT 1; DELETE FROM t`, `COMMIT`, `COPY t TO PROGRAM 'id'`, `SELECT pg_reload_conf()`, `WITH x AS (INSERT INTO t VALUES (2) RETURNING a) SELECT * FROM x`} {
		if res := sqlStep(t, r, Read, code, nil); res.Ended == Done {
			t.Errorf("%s: %s", code, res.Output)
		}
	}
	var n int
	if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM t`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows were written (%v)", n, err)
	}
	if res := sqlStep(t, r, Read, `SELECT g FROM generate_series(1, 100000) g`, nil); res.Ended != Done || len(res.Table.Rows) != DefaultMaxRows || !res.Table.More {
		t.Errorf("many rows: %s %s", res.Ended, res.Why)
	}
	res := sqlStep(t, r, Read, `SELECT count(*) FROM generate_series(1, 100000000000) g`, func(q *Request) { q.Limits.Deadline = 8 * time.Second })
	if res.Ended != Failed && res.Ended != Deadline || !strings.Contains(res.Why, "longer") && !strings.Contains(res.Why, "still running") {
		t.Errorf("a query without end: %s %s", res.Ended, res.Why)
	}
	sleeper := connect(t, url)
	meanwhile(t, sleeper, `SELECT pg_sleep(30), 'found by a stranger'`)
	var hidden Result
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		hidden = sqlStep(t, r, Read, `SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()`, func(q *Request) { q.DataSource = "weak" })
		if len(hidden.Remarks) > 0 {
			break
		}
	}
	if !strings.Contains(strings.Join(hidden.Remarks, " "), "pg_monitor") {
		t.Errorf("hidden queries: %q %s", hidden.Remarks, hidden.Output)
	}
	if res := sqlStep(t, r, Read, `SELECT 1`, func(q *Request) { q.DataSource = "nowhere" }); res.Ended != Refused || !strings.Contains(res.Why, "data_sources") {
		t.Errorf("no such source: %s %s", res.Ended, res.Why)
	}
	bad := New(Config{DataSources: map[string]string{"main": "postgres://u:very-secret-pw@127.0.0.1:1/x"}})
	if res := sqlStep(t, bad, Read, `SELECT 1`, nil); res.Ended != Failed || strings.Contains(res.Why, "very-secret") {
		t.Errorf("unreachable: %s %s", res.Ended, res.Why)
	}
}
