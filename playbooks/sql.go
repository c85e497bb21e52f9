package playbooks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// analyseSQL says of every statement of a block what it would do.
func analyseSQL(code, source string) (commands []Command, h holes, tokens []token) {
	fail := func(line int, why string) ([]Command, holes, []token) {
		return []Command{{Line: line, Text: oneLine(lineOf(code, line), 200), Tool: "sql", Class: Impossible, Why: why}}, nil, nil
	}
	if len(code) > maxCode {
		return fail(1, fmt.Sprintf("the block is longer than %d KiB", maxCode>>10))
	}
	if line, why, found := odd(code); found {
		return fail(line, why)
	}
	text, h := dig(strings.ReplaceAll(code, "\r\n", "\n"), queryPlaces)
	if h.full() {
		return fail(1, tooMany)
	}
	tokens, broken := lexSQL(text)
	if broken != "" {
		return fail(1, broken)
	}
	for _, one := range splitSQL(tokens) {
		c := judgeSQL(one)
		c.Text = h.show(joinSQL(one))
		c.Needs = append([]Need{{NeedSQL, source}}, c.Needs...)
		if why := misplaced(one); why != "" {
			c.Class, c.Why = Impossible, why
		}
		commands = append(commands, c)
	}
	return commands, h, tokens
}

// misplaced finds parameters where a value would become part of something
// that is more than one token.
func misplaced(tokens []token) string {
	for i, t := range tokens {
		switch {
		case t.kind == dollarText && hasHole(t.text):
			return "a parameter inside a text in dollars is not filled in; use plain quotes"
		case t.kind == textToken && hasHole(t.text) && t.text[0] != '\'', t.kind == quotedName && hasHole(t.text) && t.text[0] != '"',
			t.kind == placeToken && i > 1 && tokens[i-1].text == "&" && strings.EqualFold(tokens[i-2].text, "u"):
			return "a parameter inside a text with a letter in front of its quote is not filled in; use plain quotes"
		case t.kind == numberToken && i+1 < len(tokens) && letterBegins(tokens[i+1]):
			return "a number with a letter or $ right behind it is read in more than one way; write a space between"
		case t.kind == placeToken && i > 0 && glued(tokens[i-1]), t.kind == placeToken && i+1 < len(tokens) && glued(tokens[i+1]):
			return "a parameter must stand for a whole name, number or text; here it is part of one"
		}
	}
	return ""
}

var based = regexp.MustCompile(`^[xXoObB][0-9a-fA-F_]+$`)

// letterBegins tells whether a token begins with a letter or a $ and is not the rest
// of a number such as 0x1F.
func letterBegins(t token) bool {
	switch t.kind {
	case wordToken:
		return !based.MatchString(t.text)
	case textToken, quotedName:
		return t.text[0] != '\'' && t.text[0] != '"'
	case dollarText:
		return true
	default:
		return t.text == "$"
	}
}

func glued(t token) bool {
	return t.kind == wordToken || t.kind == numberToken || t.kind == placeToken || t.kind == textToken || t.kind == quotedName ||
		t.kind == dollarText || t.kind == symbolToken && (t.text == "$" || t.text == "\\")
}

// judgeSQL judges one statement.
func judgeSQL(tokens []token) Command {
	words := sqlWords(tokens)
	line := 1
	for _, t := range tokens {
		if t.kind != spaceToken {
			line = t.line
			break
		}
	}
	verb, class, why := classifySQL(words)
	return Command{Line: line, Tool: "sql", Verb: verb, Class: class, Why: why}
}

func classifySQL(words []string) (verb string, class Class, why string) {
	if len(words) == 0 {
		return "", Reading, "it is empty"
	}
	verb = sqlVerb(words)
	if words[0] == `\` {
		return `\`, Impossible, `commands that begin with \ are psql's own; write the query`
	}
	for i, w := range words {
		if w == `\` && i > 0 {
			return verb, Impossible, `a \ outside quotes belongs to psql, and it is not here`
		}
	}
	if hasHole(words[0]) {
		return verb, Impossible, "which statement it is would be known only when it runs"
	}
	switch words[0] {
	case "select", "table", "values", "with", "(", "show":
		class, why = sqlReads(words)
	case "explain":
		return sqlExplain(words)
	case "copy":
		class, why = Impossible, "COPY reads and writes files of the server or a connection of its own; write a SELECT"
		if slices.Contains(words, "program") {
			why = "COPY … PROGRAM starts a program on the database server"
		}
	case "begin", "start", "commit", "rollback", "end", "abort", "savepoint", "release":
		class, why = Impossible, "a step's transactions are Muster's; leave "+strings.ToUpper(words[0])+" out"
	case "prepare", "execute", "deallocate", "declare", "fetch", "move", "close", "listen", "unlisten", "load", "discard":
		class, why = Impossible, strings.ToUpper(words[0])+" belongs to a session that stays, and a step's does not"
	case "do":
		class, why = Changing, "what a DO block does cannot be seen from here"
	case "call":
		class, why = Changing, "what a procedure does cannot be seen from here"
	case "set", "reset":
		class, why = Changing, "it changes a setting of the session"
	case "insert", "update", "delete", "merge", "truncate":
		class, why = Changing, "it changes rows"
	case "create", "alter", "drop", "grant", "revoke", "comment", "security", "reassign", "import":
		class, why = Changing, strings.ToUpper(verb)+" changes the database"
	case "vacuum", "analyze", "analyse", "reindex", "cluster", "refresh", "checkpoint":
		class, why = Changing, strings.ToUpper(words[0])+" works on the database and takes locks"
	case "lock", "notify":
		class, why = Changing, "it is noticed by other sessions"
	default:
		class, why = Changing, oneLine(strings.ToUpper(words[0]), 30)+" is not known here, and what is not known counts as changing"
	}
	if bad, f := sqlForbidden(words); bad {
		return verb, Impossible, f
	}
	return verb, class, why
}

// sqlVerb gives the words that say what a statement does.
func sqlVerb(words []string) string {
	verb := words[0]
	switch verb {
	case "create", "drop", "alter", "reindex":
		for _, w := range words[1:min(len(words), 6)] {
			switch w {
			case "unique", "or", "replace", "temp", "temporary", "if", "not", "exists":
				continue
			case "index", "table", "view", "concurrently", "role", "user", "database", "system", "extension", "function", "schema", "materialized", "sequence", "type", "trigger", "tablespace", "subscription":
				verb += " " + w
				continue
			}
			break
		}
	case "(":
		return "select"
	}
	return verb
}

// alone tells whether a statement cannot be inside a transaction.
func sqlAlone(words []string) bool {
	if len(words) == 0 {
		return false
	}
	verb := sqlVerb(words)
	switch {
	case words[0] == "vacuum", strings.Contains(verb, "concurrently"), verb == "alter system":
		return true
	case verb == "create database", verb == "drop database", verb == "create tablespace", verb == "drop tablespace", verb == "create subscription":
		return true
	case words[0] == "reindex":
		return slices.Contains(words, "concurrently") || slices.Contains(words, "database") || slices.Contains(words, "system")
	}
	return false
}

func sqlExplain(words []string) (string, Class, string) {
	verb := "explain"
	inner := words[1:]
	analyze := false
	if len(inner) > 0 && inner[0] == "(" {
		end := slices.Index(inner, ")")
		if end < 0 {
			return verb, Changing, "its options do not end, and what cannot be read counts as changing"
		}
		analyze = slices.Contains(inner[:end], "analyze") || slices.Contains(inner[:end], "analyse")
		inner = inner[end+1:]
	} else {
		for len(inner) > 0 && (inner[0] == "analyze" || inner[0] == "analyse" || inner[0] == "verbose") {
			analyze = analyze || inner[0] != "verbose"
			inner = inner[1:]
		}
	}
	if bad, why := sqlForbidden(words); bad {
		return verb, Impossible, why
	}
	if !analyze {
		return verb, Reading, "EXPLAIN shows the plan and runs nothing"
	}
	verb = "explain analyze"
	_, class, why := classifySQL(inner)
	if class == Reading {
		return verb, Reading, "EXPLAIN ANALYZE runs a statement that only reads"
	}
	return verb, class, "EXPLAIN ANALYZE really runs its statement: " + why
}

// sqlReads judges a SELECT and what is like it.
func sqlReads(words []string) (Class, string) {
	for i, w := range words {
		switch w {
		case "insert", "update", "delete", "merge", "truncate":
			if w == "update" && i > 0 && (words[i-1] == "for" || words[i-1] == "key") {
				return Changing, "FOR UPDATE locks rows"
			}
			if i+1 < len(words) && words[i+1] == "(" || i > 0 && (words[i-1] == "." || words[i-1] == "as") {
				continue
			}
			return Changing, "a part of it changes rows: " + strings.ToUpper(w)
		case "into":
			return Changing, "SELECT INTO makes a table"
		case "share":
			if i > 0 && (words[i-1] == "for" || words[i-1] == "key") {
				return Changing, "FOR SHARE locks rows"
			}
		}
		if i+1 < len(words) && words[i+1] == "(" {
			if class, why := sqlFunction(words, i); class != Reading {
				return class, why
			}
		}
	}
	return Reading, "it only reads, in a read-only transaction"
}

// sqlFunction judges a word in front of a bracket.
func sqlFunction(words []string, i int) (Class, string) {
	w := words[i]
	switch {
	case strings.HasPrefix(w, `"`):
		return Changing, "what the function " + oneLine(w, 60) + " does cannot be seen from here"
	case w == "''" || !nameStart(rune(w[0])):
		return Reading, ""
	case i > 0 && words[i-1] == "." && (i < 2 || words[i-2] != "pg_catalog"):
		return Changing, "what the function " + oneLine(w, 60) + " does cannot be seen from here"
	case sqlChanging[w] != "":
		return Changing, w + "() " + sqlChanging[w]
	case readsOnly(w):
		return Reading, ""
	case i > 0 && (words[i-1] == "as" || words[i-1] == "with" || words[i-1] == "recursive" || words[i-1] == ","), aliased(words, i):
		// A name with its columns: WITH t(a, b) AS, FROM … AS t(a, b). Behind a
		// comma it may as well be a function.
		if words[i-1] == "," && !aliased(words, i) {
			return Changing, "what the function " + oneLine(w, 60) + "() does is not known here, and what is not known counts as changing"
		}
		return Reading, ""
	default:
		return Changing, "what the function " + oneLine(w, 60) + "() does is not known here, and what is not known counts as changing"
	}
}

// aliased tells whether the bracket behind a name is closed in front of AS (
// which makes the name that of a part of a WITH.
func aliased(words []string, i int) bool {
	depth := 0
	for k := i + 1; k < len(words); k++ {
		switch words[k] {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				rest := words[k+1:]
				if len(rest) > 1 && rest[0] == "as" && (rest[1] == "(" || rest[1] == "materialized" || rest[1] == "not") {
					return true
				}
				return false
			}
		}
	}
	return false
}

// sqlForbidden finds functions that reach beyond the database.
func sqlForbidden(words []string) (bool, string) {
	for i, w := range words {
		if i+1 >= len(words) || words[i+1] != "(" {
			continue
		}
		name := strings.Trim(strings.ToLower(w), `"`)
		switch {
		case strings.HasPrefix(name, "pg_read_"), strings.HasPrefix(name, "pg_ls_"), name == "pg_stat_file", name == "pg_file_write", name == "pg_file_read", name == "pg_current_logfile":
			return true, name + "() reads files of the database server"
		case name == "lo_import", name == "lo_export":
			return true, name + "() reads or writes files of the database server"
		case strings.HasPrefix(name, "dblink"):
			return true, name + "() opens a connection to another database"
		case name == "pg_execute_server_program", name == "sys_exec", name == "sys_eval":
			return true, name + "() starts a program on the database server"
		}
	}
	return false, ""
}
