// Package postgres runs the statements of a step on one PostgreSQL, bounded in time, rows and bytes.
//
// It never keeps a connection, never opens a transaction that a statement could leave, and decides nothing about
// whether a statement may run.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	connectTimeout = 10 * time.Second
	lockTimeout    = 5 * time.Second
	idleTimeout    = 30 * time.Second
	// reserve is kept of a step's time to tidy up after a statement that was ended.
	reserve  = 5 * time.Second
	maxCell  = 32 << 10 // characters kept of one value
	maxBytes = 4 << 20  // of all values of one answer
)

// Statement is one statement of a step.
type Statement struct {
	Text string
	// Changing is run in a transaction of its own that may write; others in one that may not.
	Changing bool
	// Alone cannot run inside a transaction.
	Alone bool
}

// Table is an answer as text.
type Table struct {
	Columns []string
	Rows    [][]string
	More    bool // there are rows beyond these
}

// Answer is what one statement did.
type Answer struct {
	Table   Table
	Command string // the server's own words: "UPDATE 3"
	Remarks []string
	// Left is an invalid index that a failed statement left; empty: none.
	Left string
}

// Session is one connection for one step.
type Session struct {
	conn    *pgconn.PgConn
	rows    int
	until   time.Time
	version int // server_version_num
}

// Open connects. reading makes every transaction one that cannot write.
func Open(ctx context.Context, url string, reading bool, rows int) (*Session, error) {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the data source's address cannot be read: it should look like postgres://user:password@host:5432/database")
	}
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout > connectTimeout {
		cfg.ConnectTimeout = connectTimeout
	}
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(time.Minute)
	}
	left := max(time.Until(until)-reserve, time.Second)
	cfg.RuntimeParams["application_name"] = "muster"
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	cfg.RuntimeParams["statement_timeout"] = milliseconds(left)
	cfg.RuntimeParams["lock_timeout"] = milliseconds(lockTimeout)
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = milliseconds(idleTimeout)
	if reading {
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("reach the database: %s", reason(err))
	}
	s := &Session{conn: conn, rows: rows, until: until}
	row, err := s.one(ctx, "SHOW server_version_num")
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("ask the database for its version: %w", err)
	}
	s.version, _ = strconv.Atoi(row)
	return s, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// reason is the innermost cause that says something, without the address.
func reason(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message
	}
	text := err.Error()
	if at := strings.LastIndex(text, ": "); at >= 0 {
		return text[at+2:]
	}
	return text
}

// Close ends the connection.
func (s *Session) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // it is ended either way
}

// Version says which PostgreSQL answers, and what it may not know; empty: nothing to say.
func (s *Session) Version() string {
	major := s.version / 10000
	if major < 13 || major > 17 {
		return fmt.Sprintf("This is PostgreSQL %d; the queries are written for 13 to 17, and columns may differ.", major)
	}
	return ""
}

// Run runs one statement.
func (s *Session) Run(ctx context.Context, st Statement) (Answer, error) {
	if index, ok := concurrentIndex(st.Text); ok && st.Changing {
		return s.createIndex(ctx, st.Text, index)
	}
	if st.Alone {
		return s.ask(ctx, st.Text)
	}
	begin := "BEGIN READ ONLY"
	if st.Changing {
		begin = "BEGIN READ WRITE"
	}
	if _, err := s.ask(ctx, begin); err != nil {
		return Answer{}, err
	}
	a, err := s.ask(ctx, st.Text)
	if err != nil {
		if !s.conn.IsClosed() {
			if _, failed := s.ask(ctx, "ROLLBACK"); failed != nil {
				return a, errors.Join(err, failed)
			}
		}
		return a, err
	}
	if s.conn.IsClosed() {
		return a, nil // the rest of the answer was not wanted
	}
	_, err = s.ask(ctx, "COMMIT")
	return a, err
}

// ask sends one statement by the extended protocol, which takes no second one, and reads its answer as text.
func (s *Session) ask(ctx context.Context, sql string) (Answer, error) {
	r := s.conn.ExecParams(ctx, sql, nil, nil, nil, nil)
	var a Answer
	for _, f := range r.FieldDescriptions() {
		a.Table.Columns = append(a.Table.Columns, f.Name)
	}
	bytes, hidden := 0, false
	for r.NextRow() {
		if len(a.Table.Columns) == 0 {
			for _, f := range r.FieldDescriptions() {
				a.Table.Columns = append(a.Table.Columns, f.Name)
			}
		}
		if len(a.Table.Rows) >= s.rows || bytes > maxBytes {
			a.Table.More = true
			break
		}
		var row []string
		for _, v := range r.Values() {
			cell := shorten(string(v))
			if v == nil {
				cell = "∅"
			}
			hidden = hidden || cell == "<insufficient privilege>"
			bytes += len(cell)
			row = append(row, cell)
		}
		a.Table.Rows = append(a.Table.Rows, row)
	}
	if a.Table.More {
		s.Close()
		return s.remark(a, sql, hidden), nil
	}
	tag, err := r.Close()
	if err != nil {
		return a, s.explain(err)
	}
	if len(a.Table.Columns) == 0 {
		for _, f := range r.FieldDescriptions() {
			a.Table.Columns = append(a.Table.Columns, f.Name)
		}
	}
	a.Command = tag.String()
	return s.remark(a, sql, hidden), nil
}

func shorten(v string) string {
	if r := []rune(v); len(r) > maxCell {
		return string(r[:maxCell-1]) + "…"
	}
	return v
}

// remark adds what the rows do not say by themselves.
func (s *Session) remark(a Answer, sql string, hidden bool) Answer {
	if hidden {
		a.Remarks = append(a.Remarks, "Queries of other users are hidden as <insufficient privilege>: grant pg_monitor to the user of this data source.")
	}
	if strings.Contains(strings.ToLower(sql), "pg_stats") && len(a.Table.Rows) == 0 && len(a.Table.Columns) > 0 {
		a.Remarks = append(a.Remarks, "pg_stats shows only tables that the user of this data source can read: nothing here does not mean that there is nothing.")
	}
	if a.Table.More {
		a.Remarks = append(a.Remarks, fmt.Sprintf("Only the first %d rows were read.", len(a.Table.Rows)))
	}
	return a
}

// explain says what an error of the server means for a step.
func (s *Session) explain(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return fmt.Errorf("the database: %s", reason(err))
	}
	hint := ""
	switch pg.Code {
	case "25006":
		hint = " The step was judged as reading, and the database refused to write."
	case "57014":
		hint = " It took longer than the step may."
	case "55P03":
		hint = fmt.Sprintf(" Another session holds the lock; it was waited for %s.", lockTimeout)
	case "42501":
		hint = " The user of this data source may not do it."
	case "42703":
		hint = fmt.Sprintf(" This is PostgreSQL %d.", s.version/10000)
	case "42P01":
		if strings.Contains(pg.Message, "pg_stat_statements") {
			hint = " The extension pg_stat_statements is not installed in this database."
		}
	}
	return fmt.Errorf("the database says: %s.%s", strings.TrimSuffix(pg.Message, "."), hint)
}

// one asks for a single value; empty: there is none.
func (s *Session) one(ctx context.Context, sql string, args ...string) (string, error) {
	var values [][]byte
	for _, a := range args {
		values = append(values, []byte(a))
	}
	res := s.conn.ExecParams(ctx, sql, values, nil, nil, nil).Read()
	if res.Err != nil {
		return "", s.explain(res.Err)
	}
	if len(res.Rows) == 0 || len(res.Rows[0]) == 0 {
		return "", nil
	}
	return string(res.Rows[0][0]), nil
}
