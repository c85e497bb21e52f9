package run

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"muster/integration/database"
	"muster/playbooks"
)

// guided runs the steps of a playbook against a database, by their titles.
type guided struct {
	*testing.T
	r    *Runner
	book playbooks.Playbook
	done map[string]bool
}

// step runs a step as the program does: a reading one at once, a changing one from its preview.
func (g *guided) step(title string, values map[string]string) *Table {
	g.Helper()
	i := slices.IndexFunc(g.book.Steps(), func(s playbooks.Step) bool { return s.Title == title })
	if i < 0 {
		g.Fatalf("%s has no step %q", g.book.ID, title)
	}
	s := g.book.Steps()[i]
	b, err := playbooks.Bind(s, values)
	if err != nil {
		g.Fatalf("%s: %v", title, err)
	}
	var statements []string
	for _, st := range b.Statements {
		statements = append(statements, st.Text)
	}
	do := func(mode Mode, seen []Object) Result {
		g.Helper()
		res := sqlStep(g.T, g.r, mode, b.Text, func(q *Request) {
			q.Statements, q.DataSource, q.Limits.Deadline, q.Seen = statements, s.Source, max(s.Timeout, time.Minute), seen
		})
		if res.Ended != Done {
			g.Fatalf("%s (%s) ended: %s: %s\n%s", title, mode, res.Ended, res.Why, res.Output)
		}
		return res
	}
	g.done[title] = true
	if b.Class == playbooks.Reading {
		return do(Read, nil).Table
	}
	seen := do(Preview, nil)
	return do(Change, append([]Object{}, seen.Touches...)).Table
}

// row finds the row whose cell in a column has a text, waiting for it: sessions and statistics take their time.
func (g *guided) row(title string, values map[string]string, column, has string) map[string]string {
	g.Helper()
	var last *Table
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if last = g.step(title, values); last == nil {
			continue
		}
		for _, cells := range last.Rows {
			row := map[string]string{}
			for i, c := range cells {
				row[last.Columns[i]] = c
			}
			if strings.Contains(row[column], has) {
				return row
			}
		}
	}
	g.Fatalf("%q shows no row with %q in %s: %+v", title, has, column, last)
	return nil
}

// The built-in Database performance degradation, from its first block of SQL to its last, as a role that may do no more
// than it has to, against a server with a slow query, a session that blocks others, and a missing index.
func TestDatabasePerformanceDegradationEndsWithAFastQuery(t *testing.T) {
	if underRace {
		t.Skip("thirty steps, each a process that starts slowly under the race detector; run without -race")
	}
	server := database.Start(t)
	admin := connect(t, server.URL)
	for _, sql := range []string{
		`CREATE EXTENSION pg_stat_statements`,
		`CREATE ROLE shop LOGIN`,
		`CREATE ROLE muster LOGIN IN ROLE pg_monitor, pg_signal_backend, shop`,
		`GRANT CREATE ON SCHEMA public TO shop`,
	} {
		execute(t, admin, sql)
	}
	as := func(role string) string { return strings.Replace(server.URL, "admin@", role+"@", 1) }
	shop := connect(t, as("shop"))
	execute(t, shop, `CREATE TABLE orders (id bigserial PRIMARY KEY, customer int NOT NULL, note text)`)
	execute(t, shop, `INSERT INTO orders (customer, note) SELECT i % 20000, repeat('x', 60) || i FROM generate_series(1, 200000) i`)
	execute(t, shop, `ANALYZE orders`)
	const query = `SELECT note FROM orders WHERE customer = 4711`
	// fastest is the least of some tries, so that other work on the machine does not count.
	fastest := func() time.Duration {
		best := time.Hour
		for range 7 {
			begin := time.Now()
			execute(t, shop, query)
			best = min(best, time.Since(begin))
		}
		return best
	}
	plan := func() string {
		rows, err := shop.Query(t.Context(), `EXPLAIN `+query)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	before := fastest()

	var clients sync.WaitGroup
	defer clients.Wait()
	later := func(c *pgx.Conn, sql string) chan error {
		end := make(chan error, 1)
		clients.Go(func() { _, err := c.Exec(context.Background(), sql); end <- err })
		return end
	}
	report, blocker, blocked := connect(t, as("shop")), connect(t, as("shop")), connect(t, as("shop"))
	slow := later(report, `SELECT count(*), pg_sleep(900) FROM orders WHERE customer = 42 AND note LIKE '%7%'`)
	execute(t, blocker, `BEGIN`)
	execute(t, blocker, `UPDATE orders SET note = 'held' WHERE id = 1`)
	waits := later(blocked, `UPDATE orders SET note = 'waiting' WHERE id = 1`)
	pid := func(c *pgx.Conn) string { return strconv.Itoa(int(c.PgConn().PID())) }

	text, err := os.ReadFile("../../config/builtin/playbooks/database-performance-degradation.md")
	if err != nil {
		t.Fatal(err)
	}
	g := &guided{
		T: t, r: New(Config{DataSources: map[string]string{"main": as("muster")}}),
		book: playbooks.Parse("database-performance-degradation.md", text), done: map[string]bool{},
	}

	long := g.row("Which queries run long now?", nil, "pid", pid(report))
	if long["state"] != "active" || !strings.Contains(long["query"], "customer = 42") {
		t.Errorf("the slow query is shown as %v", long)
	}
	stuck := g.row("Who waits for whom?", nil, "pid", pid(blocked))
	if !strings.Contains(stuck["blocked_by"], pid(blocker)) {
		t.Errorf("%s is said to be blocked by %v", pid(blocked), stuck)
	}
	open := g.row("Which transactions stay open?", nil, "pid", pid(blocker))
	if open["state"] != "idle in transaction" || !strings.Contains(open["last_query"], "held") {
		t.Errorf("the blocker is shown as %v", open)
	}
	if n := g.row("How many connections are used?", nil, "allowed", "30"); n["idle_in_transaction"] != "1" {
		t.Errorf("the connections are %v", n)
	}
	g.row("Who holds the connections?", nil, "usename", "shop")
	g.row("Does the cache hold what is read?", nil, "datname", "postgres")
	if cost := g.row("Which queries cost most?", nil, "query", "SELECT note FROM orders WHERE customer"); cost["calls"] != "7" {
		t.Errorf("the query's cost is %v", cost)
	}

	// The query that was seen is cancelled, and its session goes on; the blocker loses its session, and nobody waits.
	g.step("Cancel a query", map[string]string{"pid": pid(report), "query-start": long["query_start"]})
	if err := <-slow; err == nil || !strings.Contains(err.Error(), "canceling statement") {
		t.Errorf("the slow query ended with %v", err)
	}
	if now := g.row("Check that the query ended", map[string]string{"pid": pid(report)}, "pid", pid(report)); now["state"] != "idle" {
		t.Errorf("after the query was cancelled its session is %v", now)
	}
	execute(t, report, `SELECT 1`)
	g.step("End a session", map[string]string{"pid": pid(blocker), "query-start": open["query_start"]})
	if err := <-waits; err != nil {
		t.Errorf("who was blocked ended with %v", err)
	}
	if _, err := blocker.Exec(t.Context(), `SELECT 1`); err == nil {
		t.Error("the blocker still has its session")
	}
	g.row("Check that nobody waits", nil, "waiting", "0")

	// The missing index: which table, which column, made without a lock, valid, and used.
	large := g.row("Which tables are read from end to end?", nil, "table_name", "orders")
	if n, err := strconv.Atoi(large["rows"]); err != nil || n < 10000 {
		t.Errorf("the table is shown as %v", large)
	}
	orders := map[string]string{"table": "orders"}
	if have := g.step("Which indexes does the table have?", orders); len(have.Rows) != 1 {
		t.Errorf("the indexes are %v", have.Rows)
	}
	g.row("How many different values has the column?", orders, "column_name", "customer")
	if p := plan(); !strings.Contains(p, "Seq Scan") {
		t.Fatalf("the query is not slow to begin with:\n%s", p)
	}
	g.step("Create the index", map[string]string{"index": "orders_customer", "table": "orders", "column": "customer"})
	if made := g.row("Check that the index is valid", orders, "index_name", "orders_customer"); made["valid"] != "t" {
		t.Errorf("the index is %v", made)
	}
	g.step("Refresh the statistics of the table", orders)
	after := fastest()
	if p := plan(); !strings.Contains(p, "orders_customer") || after >= before {
		t.Errorf("with the index the query takes %s, before %s:\n%s", after, before, p)
	}
	t.Logf("the query took %s without the index, %s with it", before, after)

	// An index that failed is seen as what it is, and dropped.
	if _, err := shop.Exec(t.Context(), `CREATE UNIQUE INDEX CONCURRENTLY broken ON orders (customer)`); err == nil {
		t.Fatal("a unique index over equal values was made")
	}
	if left := g.row("Which indexes does the table have?", orders, "index_name", "broken"); left["valid"] != "f" {
		t.Errorf("the broken index is %v", left)
	}
	g.step("Drop an invalid index", map[string]string{"index": "broken"})
	if have := g.step("Which indexes does the table have?", orders); len(have.Rows) != 2 {
		t.Errorf("after the drop the indexes are %v", have.Rows)
	}
	g.step("Which indexes does nobody use?", nil)
	g.row("Where does vacuum not keep up?", nil, "table_name", "orders")

	for _, s := range g.book.Steps() {
		if s.Kind == playbooks.SQL && !g.done[s.Title] {
			t.Errorf("%q was not run", s.Title)
		}
	}
}
