package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"muster/incident"
	"muster/playbooks"
	"muster/playbooks/run/postgres"
	"muster/playbooks/run/shell"
)

// sqlJournal is what undoing a sql step needs.
type sqlJournal struct{ Made []postgres.Made }

// sql runs a sql block.
func (p *performance) sql(ctx context.Context) (int, error) {
	req := p.order.Request
	texts := req.Statements
	if len(texts) == 0 {
		texts = []string{req.Code}
	}
	var all []postgres.Statement
	for _, text := range texts {
		st, err := p.statement(text)
		if err != nil {
			return -1, err
		}
		all = append(all, st)
	}
	if req.Mode == Check {
		return 0, nil
	}
	s, err := p.database(ctx, req.Mode == Read || req.Mode == Preview)
	if err != nil {
		return -1, err
	}
	defer s.Close()
	if v := s.Version(); v != "" {
		p.result.Remarks = append(p.result.Remarks, v)
	}
	for _, st := range all {
		if err := p.one(ctx, s, st); err != nil {
			return 1, err
		}
	}
	return 0, nil
}

// database opens the data source that the step names.
func (p *performance) database(ctx context.Context, reading bool) (*postgres.Session, error) {
	name := p.order.Request.source()
	address := p.order.Reach.DataSources[name]
	if address == "" {
		return nil, shell.Refusef("There is no data source %q: name its address under data_sources in muster.yaml.", name)
	}
	p.out.secrets.Add(address)
	if u, err := url.Parse(address); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok {
			p.out.secrets.Add(password)
		}
	}
	return postgres.Open(ctx, address, reading, p.order.Request.Limits.MaxRows)
}

// acting are functions that change something though the database lets them run in a transaction that only reads.
var acting = regexp.MustCompile(`(?i)\b(pg_(cancel|terminate)_backend|pg_reload_conf|pg_rotate_logfile|pg_switch_wal|pg_(try_)?advisory\w*|pg_read_(binary_)?file|pg_ls_\w+|pg_stat_(reset|statements_reset)\w*|pg_promote|pg_create_\w+|pg_drop_\w+|lo_\w+|dblink\w*|set_config|nextval|setval|pg_notify|pg_sleep\w*)\s*\(`)

// statement judges a statement again, right before it runs.
func (p *performance) statement(text string) (postgres.Statement, error) {
	st := postgres.Statement{Text: text, Changing: true}
	b, err := playbooks.Bind(playbooks.Step{Kind: playbooks.SQL, Code: text}, nil)
	var no incident.Refusal
	switch {
	case errors.As(err, &no) && no.Code == "impossible":
		return st, shell.Refusef("%s cannot run. %s", p.out.mask(short(text)), p.out.mask(no.Text))
	case err != nil:
		// A value in it may look like a parameter. The database keeps a reading step from writing, and this from the rest.
		st.Changing = p.order.Request.Mode != Read || acting.MatchString(text)
		st.Alone = strings.Contains(strings.ToLower(text), "concurrently")
	case len(b.Statements) > 1:
		return st, shell.Refusal("One statement was announced, and this is more than one.")
	case len(b.Statements) == 1:
		one := b.Statements[0]
		if one.Class == playbooks.Impossible {
			return st, shell.Refusef("%s cannot run: %s.", p.out.mask(short(text)), one.Why)
		}
		st.Changing, st.Alone = one.Class.Exceeds(playbooks.Reading) || acting.MatchString(text), one.Alone
	default:
		return st, shell.Refusal("There is nothing to run.")
	}
	if st.Changing && p.order.Request.Mode == Read {
		return st, shell.Refusef("The step was judged as reading, and this would change something: %s.", p.out.mask(short(text)))
	}
	return st, nil
}

// one runs or previews one statement.
func (p *performance) one(ctx context.Context, s *postgres.Session, st postgres.Statement) error {
	mode := p.order.Request.Mode
	named, err := s.Backends(ctx, st.Text)
	if err != nil {
		return err
	}
	if err := p.backends(named, mode); err != nil {
		return err
	}
	var a postgres.Answer
	existed := false
	switch {
	case mode == Preview && st.Changing:
		if len(named) == 0 {
			a, err = s.Plan(ctx, st)
		}
	default:
		if st.Changing {
			if existed, err = s.Existing(ctx, st.Text); err != nil {
				return err
			}
		}
		a, err = s.Run(ctx, st)
	}
	for _, r := range a.Remarks {
		p.result.Remarks = append(p.result.Remarks, p.out.mask(r))
	}
	if a.Left != "" {
		if failed := p.keep(postgres.Made{Index: a.Left}); failed != nil {
			return failed
		}
	}
	if err != nil {
		return err
	}
	if mode == Change && st.Changing {
		if err := p.made(ctx, s, st, existed); err != nil {
			return err
		}
	}
	p.table(a)
	return nil
}

// backends shows the sessions that a statement ends, and keeps it to those that were approved: a pid may belong to
// somebody else by now.
func (p *performance) backends(named []postgres.Backend, mode Mode) error {
	for _, b := range named {
		if b.Since == "" {
			p.result.Remarks = append(p.result.Remarks, "There is no session "+b.PID+" any more.")
		} else {
			p.result.Remarks = append(p.result.Remarks, p.out.mask("Session "+b.Says))
		}
		o := Object{Kind: "Session", Resource: "pg_stat_activity", Name: b.PID, Version: b.Since, Verb: b.Verb}
		if mode == Change && p.order.Request.Seen != nil {
			for _, seen := range p.order.Request.Seen {
				if seen.Resource == o.Resource && seen.Name == o.Name && seen.Version != o.Version {
					return changedError("session " + b.PID + " is not the one that was approved: it began another query since.")
				}
			}
		}
		p.result.Touches = append(p.result.Touches, o)
	}
	return nil
}

// made keeps what undoing needs.
func (p *performance) made(ctx context.Context, s *postgres.Session, st postgres.Statement, existed bool) error {
	m, ok, err := s.MadeBy(ctx, st.Text, existed)
	if err != nil {
		return err
	}
	if !ok {
		if p.result.UndoNote == "" {
			p.result.UndoNote = "What a statement changed in the database is not undone by Muster."
		}
		return nil
	}
	return p.keep(m)
}

// keep puts an index into the journal.
func (p *performance) keep(m postgres.Made) error {
	var j sqlJournal
	if p.result.Undo != nil {
		if err := json.Unmarshal(p.result.Undo, &j); err != nil {
			return err
		}
	}
	j.Made = append(j.Made, m)
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	p.result.Undo, p.result.UndoNote = data, "Drops the index "+m.Index+", which the step made."
	return nil
}

// undoSQL takes away what a sql step made.
func (p *performance) undoSQL(ctx context.Context) (int, error) {
	var j sqlJournal
	if err := json.Unmarshal(p.order.Request.Undo, &j); err != nil || len(j.Made) == 0 {
		return -1, shell.Refusal("There is nothing to undo.")
	}
	if p.order.Request.Mode == Preview {
		for _, m := range j.Made {
			fmt.Fprintf(p.out, "Would drop the index %s.\n", m.Index)
		}
		return 0, nil
	}
	s, err := p.database(ctx, false)
	if err != nil {
		return -1, err
	}
	defer s.Close()
	for _, m := range j.Made {
		if err := s.Drop(ctx, m); err != nil {
			return 1, err
		}
		fmt.Fprintf(p.out, "Dropped the index %s.\n", m.Index)
	}
	return 0, nil
}

// table prints an answer and keeps the last one that has columns.
func (p *performance) table(a postgres.Answer) {
	t := Table{Columns: a.Table.Columns, More: a.Table.More}
	for _, row := range a.Table.Rows {
		t.Rows = append(t.Rows, p.masked(row))
	}
	if len(t.Columns) > 0 {
		p.result.Table = &t
		printTable(p.out, t)
	}
	if a.Command != "" && (len(t.Columns) == 0 || !strings.HasPrefix(a.Command, "SELECT")) {
		fmt.Fprintln(p.out, a.Command)
	}
}

func (p *performance) masked(row []string) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		out[i] = p.out.mask(cell)
	}
	return out
}

// maxWidth is how wide one column is printed; the whole value is in the Table.
const maxWidth = 80

// printTable prints a table as text.
func printTable(w io.Writer, t Table) {
	widths := make([]int, len(t.Columns))
	cell := func(v string) string {
		v = strings.Join(strings.Fields(v), " ")
		if r := []rune(v); len(r) > maxWidth {
			v = string(r[:maxWidth-1]) + "…"
		}
		return v
	}
	for i, c := range t.Columns {
		widths[i] = utf8.RuneCountInString(cell(c))
	}
	for _, row := range t.Rows {
		for i, v := range row {
			if i < len(widths) {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell(v)))
			}
		}
	}
	line := func(row []string) {
		var b strings.Builder
		for i, v := range row {
			v = cell(v)
			b.WriteString(v)
			if i < len(row)-1 && i < len(widths) {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(v)+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(t.Columns)
	for _, row := range t.Rows[:min(len(t.Rows), DefaultMaxRows)] {
		line(row)
	}
	rows := fmt.Sprintf("%d rows", len(t.Rows))
	if len(t.Rows) == 1 {
		rows = "1 row"
	}
	if len(t.Rows) > DefaultMaxRows {
		rows = fmt.Sprintf("the first %d of %d rows", DefaultMaxRows, len(t.Rows))
	}
	if t.More {
		rows += " and more"
	}
	fmt.Fprintf(w, "(%s)\n", rows)
}
