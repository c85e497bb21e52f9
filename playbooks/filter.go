package playbooks

import (
	"strings"
)

// options are the options of a text filter: those without a value, and those
// with one. Whatever is not here is refused.
type options struct {
	flags  string            // letters without a value
	valued string            // letters with one
	long   map[string]bool   // --name; true: takes a value
	not    map[string]string // what is refused with a reason of its own
	// args is how many words that are no options it may have; more would be
	// files.
	args int
}

var noFiles = "there are no files"

// filters are the text filters that read only what they are given.
var filters = map[string]options{
	"grep": {flags: "EFGPivwxcnohqsabyz", valued: "eABCm", args: 1,
		long: map[string]bool{"--ignore-case": false, "--invert-match": false, "--count": false, "--only-matching": false, "--extended-regexp": false,
			"--fixed-strings": false, "--line-number": false, "--word-regexp": false, "--line-regexp": false, "--quiet": false, "--silent": false,
			"--color": false, "--line-buffered": false, "--regexp": true, "--after-context": true, "--before-context": true, "--context": true, "--max-count": true},
		not: map[string]string{"-f": noFiles, "-r": noFiles, "-R": noFiles, "--file": noFiles, "--recursive": noFiles, "--include": noFiles}},
	"egrep": {flags: "ivwxcnohqs", valued: "eABCm", args: 1},
	"fgrep": {flags: "ivwxcnohqs", valued: "eABCm", args: 1},
	"head":  {flags: "qv", valued: "nc", long: map[string]bool{"--lines": true, "--bytes": true}},
	"tail": {flags: "q", valued: "nc", long: map[string]bool{"--lines": true, "--bytes": true},
		not: map[string]string{"-f": "it would follow without end", "-F": "it would follow without end", "--follow": "it would follow without end"}},
	"sort": {flags: "bdfghinMVrusc", valued: "kt", long: map[string]bool{"--reverse": false, "--unique": false, "--numeric-sort": false, "--human-numeric-sort": false, "--key": true, "--field-separator": true},
		not: map[string]string{"-o": noFiles, "-T": noFiles, "--output": noFiles, "--compress-program": "no program of the host is started", "--files0-from": noFiles}},
	"uniq": {flags: "cdDiuz", valued: "fsw", long: map[string]bool{"--count": false, "--repeated": false, "--unique": false, "--ignore-case": false}},
	"wc":   {flags: "clmwL", long: map[string]bool{"--lines": false, "--words": false, "--bytes": false, "--chars": false}, not: map[string]string{"--files0-from": noFiles}},
	"cut": {flags: "sz", valued: "bcdf", long: map[string]bool{"--delimiter": true, "--fields": true, "--characters": true, "--bytes": true,
		"--complement": false, "--only-delimited": false, "--output-delimiter": true}},
	"tr":  {flags: "cCdst", args: 2, long: map[string]bool{"--delete": false, "--squeeze-repeats": false, "--complement": false}},
	"cat": {flags: "AbEnsTv"},
	"tac": {}, "rev": {},
	"nl":     {flags: "", valued: "bnsw"},
	"column": {flags: "t", valued: "s"},
	"base64": {flags: "d", valued: "w", long: map[string]bool{"--decode": false, "--wrap": true}},
}

// plainArgs takes the options from the words and gives what is left. It
// refuses options that are not in the list.
func (j *judging) plainArgs(words []word, o options) (rest []word, values map[string][]word, refused *Command) {
	name := words[0].val
	values = map[string][]word{}
	no := func(format string, args ...any) ([]word, map[string][]word, *Command) {
		c := j.impossible(name, format, args...)
		return nil, nil, &c
	}
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case w.val == "--" && w.static():
			return append(rest, words[i+1:]...), values, nil
		case w.open || strings.HasPrefix(w.val, string(unknown)):
			rest = append(rest, w)
		case !strings.HasPrefix(w.val, "-") || w.val == "-":
			rest = append(rest, w)
		case strings.HasPrefix(w.val, "--"):
			key, value, given := strings.Cut(w.val, "=")
			if why := o.not[key]; why != "" {
				return no("%s %s: %s", name, key, why)
			}
			takes, known := o.long[key]
			switch {
			case !known:
				return no("%s has no %s here", name, oneLine(j.holes.show(key), 40))
			case given:
				values[key] = append(values[key], word{val: value, text: value})
			case takes:
				if i++; i < len(words) {
					values[key] = append(values[key], words[i])
				}
			default:
				values[key] = append(values[key], word{})
			}
		case (name == "head" || name == "tail") && number(w.val[1:]):
		default:
			for k, letter := range w.val[1:] {
				key := "-" + string(letter)
				if why := o.not[key]; why != "" {
					return no("%s %s: %s", name, key, why)
				}
				if strings.ContainsRune(o.flags, letter) {
					values[key] = append(values[key], word{})
					continue
				}
				if !strings.ContainsRune(o.valued, letter) {
					return no("%s has no %s here", name, oneLine(j.holes.show(key), 40))
				}
				if at := 1 + k + len(string(letter)); at < len(w.val) {
					values[key] = append(values[key], word{val: w.val[at:], text: w.val[at:]})
				} else if i++; i < len(words) {
					values[key] = append(values[key], words[i])
				}
				break
			}
		}
	}
	return rest, values, nil
}

// filter judges a command that turns text into text.
func (j *judging) filter(words []word) Command {
	name := words[0].val
	o := filters[name]
	rest, values, refused := j.plainArgs(words, o)
	if refused != nil {
		return *refused
	}
	most := o.args
	if name == "grep" && (len(values["-e"]) > 0 || len(values["--regexp"]) > 0) {
		most = 0
	}
	if c := j.files(name, rest, most); c != nil {
		return *c
	}
	return reading(name, "it only filters text")
}

// files refuses more words than a filter has arguments: they are files.
func (j *judging) files(name string, rest []word, most int) *Command {
	for i, w := range rest {
		if i < most || w.val == "-" && w.static() {
			continue
		}
		c := j.impossible(name, "%s would read the file %s, and there are no files; give it text by a pipe", name, oneLine(j.holes.show(w.text), 60))
		return &c
	}
	return nil
}

var jqOptions = options{flags: "rRncCMSsaej", long: map[string]bool{"--raw-output": false, "--raw-input": false, "--null-input": false, "--compact-output": false,
	"--slurp": false, "--sort-keys": false, "--exit-status": false, "--join-output": false, "--color-output": false, "--monochrome-output": false, "--tab": false, "--indent": true},
	not: map[string]string{"-f": noFiles, "--from-file": noFiles, "--slurpfile": noFiles, "--rawfile": noFiles, "-L": noFiles, "--run-tests": noFiles, "--argfile": noFiles}}

func (j *judging) jq(words []word) Command {
	kept := words[:1:1]
	for i := 1; i < len(words); i++ {
		if v := words[i].val; v == "--arg" || v == "--argjson" {
			i += 2
			continue
		}
		if v := words[i].val; v == "--args" || v == "--jsonargs" {
			break
		}
		kept = append(kept, words[i])
	}
	rest, _, refused := j.plainArgs(kept, jqOptions)
	if refused != nil {
		return *refused
	}
	if c := j.program("jq", rest, "--arg NAME VALUE"); c != nil {
		return *c
	}
	if c := j.files("jq", rest, 1); c != nil {
		return *c
	}
	if len(rest) > 0 {
		if bad := jqForbidden(rest[0].val); bad != "" {
			return j.impossible("jq", "%s", bad)
		}
	}
	return reading("jq", "it only filters text")
}

// program refuses a program text that is not known, because a value in it
// would be read as part of the program.
func (j *judging) program(name string, rest []word, instead string) *Command {
	var c Command
	switch {
	case len(rest) == 0:
		return nil
	case hasHole(rest[0].val):
		c = j.impossible(name, "a parameter inside the program of %s is not filled in, it would be read as part of it; use %s", name, instead)
	case !rest[0].static():
		c = j.impossible(name, "the program of %s would be known only when it runs", name)
	default:
		return nil
	}
	return &c
}

func jqForbidden(program string) string {
	for _, t := range idents(program) {
		switch t {
		case "import", "include", "input_filename", "get_search_list":
			return "jq reads no files: " + t
		case "env", "$ENV", "$__prog_args":
			return "there is no environment: " + t
		}
	}
	return ""
}

// idents lists the names of a program outside its strings and comments.
func idents(program string) []string {
	var out []string
	for i := 0; i < len(program); {
		switch c := program[i]; {
		case c == '"':
			for i++; i < len(program) && program[i] != '"'; i++ {
				if program[i] == '\\' {
					i++
				}
			}
			i++
		case c == '#':
			for i < len(program) && program[i] != '\n' {
				i++
			}
		case c == '$' || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
			start := i
			for i++; i < len(program) && (program[i] == '_' || program[i]|0x20 >= 'a' && program[i]|0x20 <= 'z' || program[i] >= '0' && program[i] <= '9'); i++ {
			}
			if start == 0 || program[start-1] != '.' {
				out = append(out, program[start:i])
			}
		default:
			i++
		}
	}
	return out
}
