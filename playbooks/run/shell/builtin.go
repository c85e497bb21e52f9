package shell

import "slices"

// mostTestWords bounds a test, which the interpreter reads one within the other.
const mostTestWords = 1000

// builtinWords refuses words over which the interpreter's own commands panic.
func builtinWords(args []string) error {
	switch args[0] {
	case "unset":
		if slices.Contains(args[1:], "") {
			return Refusal("unset needs the name of a variable, and one of its words is empty.")
		}
	case "shift":
		if len(args) == 2 && len(args[1]) > 1 && args[1][0] == '-' {
			return Refusal("shift needs a number that is not negative.")
		}
	case "test", "[":
		if len(args) > mostTestWords {
			return Refusef("A test of more than %d words is too long.", mostTestWords)
		}
		words := args[1:]
		if n := len(words); args[0] == "[" && n > 0 && words[n-1] == "]" {
			words = words[:n-1]
		}
		t := testWords{left: words}
		switch t.expression(false); {
		case t.odd:
			return Refusal("A test compares words: put && between two tests.")
		case t.unnamed:
			return Refusal("A test of a variable needs its name, and the word is empty.")
		}
	}
	return nil
}

// testWords reads a test as the interpreter does, to find a comparison of something else than a word.
type testWords struct {
	left    []string
	odd     bool // something else than a word is compared
	unnamed bool // a variable is asked for that has no name
}

// What a part of a test is.
const (
	nothing = iota
	word
	test
)

func (t *testWords) at() string {
	if len(t.left) == 0 {
		return ""
	}
	return t.left[0]
}

func (t *testWords) next() { t.left = t.left[min(1, len(t.left)):] }

func (t *testWords) expression(base bool) int {
	var x int
	if base {
		x = t.base()
	} else {
		x = t.expression(true)
	}
	if x == nothing || len(t.left) == 0 || t.at() == ")" {
		return x
	}
	op := t.at()
	t.next()
	switch op {
	case "-a", "-o":
		t.expression(false)
		return test
	case "=", "==", "!=":
		t.odd = t.odd || x != word
	}
	t.next()
	return test
}

// oneWord are the operators in front of one word.
var oneWord = []string{"-e", "-a", "-f", "-d", "-c", "-b", "-p", "-S", "-L", "-h", "-k", "-g", "-u", "-G", "-O", "-N", "-r", "-w", "-x", "-s", "-t", "-z", "-n", "-o", "-v", "-R"}

func (t *testWords) base() int {
	op := t.at()
	if len(t.left) == 0 || op == ")" {
		return nothing
	}
	t.next()
	switch {
	case op == "!":
		t.expression(false)
		return test
	case op == "(":
		t.expression(false)
		t.next()
		return test
	case !slices.Contains(oneWord, op) || len(t.left) == 0:
		return word
	}
	t.unnamed = t.unnamed || t.at() == "" && (op == "-v" || op == "-R")
	t.next()
	return test
}
