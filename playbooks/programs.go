package playbooks

import (
	"strings"
	"unicode/utf8"
)

var awkOptions = options{valued: "Fv", not: map[string]string{"-f": noFiles, "-i": noFiles, "-E": noFiles, "--file": noFiles, "-l": "it loads a library of the host"}}

func (j *judging) awk(words []word) Command {
	rest, _, refused := j.plainArgs(words, awkOptions)
	if refused != nil {
		return *refused
	}
	if c := j.program("awk", rest, "-v name=VALUE"); c != nil {
		return *c
	}
	if len(rest) == 0 {
		return j.impossible("awk", "awk needs a program")
	}
	if why := awkForbidden(rest[0].val); why != "" {
		return j.impossible("awk", "%s", why)
	}
	var files []word
	for i, w := range rest[1:] {
		if name, _, ok := strings.Cut(w.val, "="); !ok || !variableName(name) {
			files = append(files, rest[i+1])
		}
	}
	if c := j.files("awk", files, 0); c != nil {
		return *c
	}
	return reading("awk", "it only filters text")
}

// awkForbidden finds what reaches out of an awk program: commands, files,
// pipes. It leaves out strings, patterns and comments.
func awkForbidden(program string) string {
	printing, depth := false, 0
	value := false // a / now would divide, and begin no pattern
	for i := 0; i < len(program); {
		c := program[i]
		switch {
		case c == '"':
			for i++; i < len(program) && program[i] != '"'; i++ {
				if program[i] == '\\' {
					i++
				}
			}
			i++
			value = true
			continue
		case c == '#':
			for i < len(program) && program[i] != '\n' {
				i++
			}
			continue
		case c == '/' && !value:
			class := false
			for i++; i < len(program) && (program[i] != '/' || class) && program[i] != '\n'; i++ {
				switch program[i] {
				case '\\':
					i++
				case '[':
					class = true
				case ']':
					class = false
				}
			}
			i++
			value = true
			continue
		case c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z':
			start := i
			for i < len(program) && (program[i] == '_' || program[i]|0x20 >= 'a' && program[i]|0x20 <= 'z' || program[i] >= '0' && program[i] <= '9') {
				i++
			}
			switch name := program[start:i]; name {
			case "system":
				return "awk's system() would start a program of the host"
			case "getline":
				return "awk's getline reads files or programs, and there are none"
			case "ENVIRON", "PROCINFO":
				return "there is no environment: " + name
			case "ARGV", "ARGC":
				return "awk's ARGV names files, and there are none"
			case "print", "printf":
				printing, depth, value = true, 0, false
			case "in", "return", "else", "do":
				value = false
			default:
				value = true
			}
			continue
		case c == '@':
			return "awk's @ loads files or calls by name"
		case c == '|':
			if i+1 < len(program) && program[i+1] == '|' {
				i++
				value = false
				break
			}
			return "awk's | would start a program of the host"
		case c == '>' && printing && depth == 0:
			return "awk's > writes files, and there are none; put a comparison into parentheses"
		case c == '(':
			depth++
			value = false
		case c == ')':
			depth--
			value = true
		case c == ';' || c == '\n' || c == '}' || c == '{':
			printing, value = false, false
		case c == ']' || c == '$' || c >= '0' && c <= '9':
			value = true
		case c == ' ' || c == '\t':
		default:
			value = false
		}
		i++
	}
	return ""
}

var sedOptions = options{flags: "nErsuz", valued: "e", long: map[string]bool{"--quiet": false, "--silent": false, "--regexp-extended": false, "--expression": true, "--posix": false},
	not: map[string]string{"-i": "there are no files to change", "--in-place": "there are no files to change", "-f": noFiles, "--file": noFiles}}

func (j *judging) sed(words []word) Command {
	rest, values, refused := j.plainArgs(words, sedOptions)
	if refused != nil {
		return *refused
	}
	programs := append(values["-e"], values["--expression"]...)
	if len(programs) == 0 && len(rest) > 0 {
		programs, rest = rest[:1], rest[1:]
	}
	if len(programs) == 0 {
		return j.impossible("sed", "sed needs a program")
	}
	for i := range programs {
		if c := j.program("sed", programs[i:], "awk with -v name=VALUE"); c != nil {
			return *c
		}
	}
	texts := make([]string, len(programs))
	for i, p := range programs {
		texts[i] = p.val
	}
	if why := sedForbidden(strings.Join(texts, "\n")); why != "" {
		return j.impossible("sed", "%s", why)
	}
	if c := j.files("sed", rest, 0); c != nil {
		return *c
	}
	return reading("sed", "it only filters text")
}

// sedForbidden finds the commands of a sed program that read or write files
// or start programs.
func sedForbidden(program string) string {
	s := sedScan{text: program}
	for !s.done() {
		s.address()
		if s.done() {
			break
		}
		c := s.next()
		switch c {
		case '{', '}', '=', 'd', 'D', 'g', 'G', 'h', 'H', 'n', 'N', 'p', 'P', 'x', 'z', 'F', ';', '\n', ' ', '\t', '!':
		case 'q', 'Q', 'l':
			s.digits()
		case 'a', 'i', 'c':
			s.line()
		case 'b', 't', 'T', ':':
			s.until(";\n}")
		case 's':
			if flags, ok := s.substitute(); !ok {
				return "sed's program cannot be read"
			} else if strings.ContainsAny(flags, "w") {
				return "sed's w writes files, and there are none"
			} else if strings.ContainsAny(flags, "e") {
				return "sed's e would start a program of the host"
			}
		case 'y':
			if _, ok := s.substitute(); !ok {
				return "sed's program cannot be read"
			}
		case 'w', 'W':
			return "sed's w writes files, and there are none"
		case 'r', 'R':
			return "sed's r reads files, and there are none"
		case 'e':
			return "sed's e would start a program of the host"
		default:
			return "sed's program cannot be read at " + string(c)
		}
	}
	return ""
}

type sedScan struct {
	text string
	at   int
}

func (s *sedScan) done() bool { return s.at >= len(s.text) }

func (s *sedScan) next() rune {
	r, n := utf8.DecodeRuneInString(s.text[s.at:])
	s.at += n
	return r
}

func (s *sedScan) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.at]
}

func (s *sedScan) digits() {
	for c := s.peek(); c >= '0' && c <= '9' || c == ' '; c = s.peek() {
		s.at++
	}
}

// line skips a text to the end of its line, and on where that ends in \.
func (s *sedScan) line() {
	for {
		s.until("\n")
		if s.done() || s.text[s.at-1] != '\\' {
			return
		}
		s.at++
	}
}

func (s *sedScan) until(stop string) {
	for !s.done() && !strings.ContainsRune(stop, rune(s.peek())) {
		s.at++
	}
}

// address skips what says to which lines a command applies.
func (s *sedScan) address() {
	for !s.done() {
		switch c := s.peek(); {
		case c >= '0' && c <= '9', c == '$', c == ',', c == '~', c == '+', c == ' ', c == '\t', c == '\n', c == ';', c == '!':
			s.at++
		case c == '/':
			s.at++
			s.delimited('/')
			s.pattern()
		case c == '\\':
			s.at++
			if s.done() {
				return
			}
			s.delimited(s.next())
			s.pattern()
		default:
			return
		}
	}
}

// pattern skips the letters behind a pattern in an address.
func (s *sedScan) pattern() {
	for c := s.peek(); c == 'I' || c == 'M'; c = s.peek() {
		s.at++
	}
}

// delimited skips a text to its delimiter.
func (s *sedScan) delimited(end rune) bool {
	for !s.done() {
		switch r := s.next(); r {
		case '\\':
			if !s.done() {
				s.next()
			}
		case end:
			return true
		}
	}
	return false
}

func (s *sedScan) substitute() (flags string, ok bool) {
	if s.done() {
		return "", false
	}
	end := s.next()
	if end == '\n' || end == '\\' || !s.delimited(end) || !s.delimited(end) {
		return "", false
	}
	start := s.at
	s.until(";\n} \t")
	return s.text[start:s.at], true
}
