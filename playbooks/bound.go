package playbooks

import "mvdan.cc/sh/v3/syntax"

// Bound is a step with all its parameters filled in: exactly what may run.
type Bound struct {
	Step   Step
	Values map[string]string
	// Tree is the syntax tree of a bash step, values in it as single quoted
	// arguments. It is what runs; Text is its printed form.
	Tree *syntax.File `json:"-"`
	// Statements are those of an sql step, in order.
	Statements []Statement
	// Query is that of a promql or logql step.
	Query string
	// URL is that of an open step.
	URL string
	// Text is the whole as it can be read.
	Text string
	// Class, Why and Commands are decided again, with the values in place.
	Class    Class
	Why      string
	Commands []Command
	// Digest names kind, source, text and values: 64 hexadecimal characters.
	// The same step with the same values has the same digest in every process.
	Digest string
}

// Statement is one SQL statement with its values in place.
type Statement struct {
	Text string
	// Verb is its first words in lower case: "select", "create index
	// concurrently".
	Verb  string
	Class Class
	Why   string
	// Alone says that it cannot run inside a transaction.
	Alone bool
}
