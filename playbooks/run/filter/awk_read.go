package filter

import (
	"errors"
	"io"
	"math"
	"strings"
)

// maxFields bounds how many fields a program can give a line.
const maxFields = 100_000

// readRecord reads what RS calls a line; false: there is none.
func (r *awkRun) readRecord() bool {
	r.tick(0)
	rs := r.text("RS")
	var line string
	var err error
	switch len(rs) {
	case 0:
		line, err = r.paragraph()
	case 1:
		line, err = readUntil(r.in, rs[0])
	default:
		err = errors.New("awk's RS can be one character or empty here")
	}
	if errors.Is(err, io.EOF) {
		return false
	}
	if err != nil {
		panic(awkError{err})
	}
	r.nr++
	r.tick(len(line))
	r.setLine(line)
	r.para = rs == ""
	return true
}

// paragraph reads lines up to an empty one.
func (r *awkRun) paragraph() (string, error) {
	var lines []string
	size := 0
	for {
		line, err := readLine(r.in)
		switch {
		case errors.Is(err, io.EOF) && len(lines) > 0:
			return strings.Join(lines, "\n"), nil
		case err != nil:
			return "", err
		case line == "" && len(lines) > 0:
			return strings.Join(lines, "\n"), nil
		case line == "":
			r.tick(0)
			continue
		}
		lines = append(lines, line)
		if size += len(line) + 1; size > maxLine {
			return "", errTextTooLong
		}
	}
}

func (r *awkRun) setLine(line string) {
	r.line, r.uncut, r.lineFS = line, true, r.text("FS")
}

// cut makes the line's fields.
func (r *awkRun) cut() []string {
	if !r.uncut {
		return r.fields
	}
	r.uncut = false
	if !r.para || r.lineFS == " " || r.lineFS == "\n" {
		r.fields = r.split(r.line, r.lineFS)
		return r.fields
	}
	r.fields = nil
	for line := range strings.SplitSeq(r.line, "\n") {
		r.fields = append(r.fields, r.split(line, r.lineFS)...)
	}
	return r.fields
}

// split cuts a text at a separator: blanks, a character, or a pattern; an empty one cuts it into characters.
func (r *awkRun) split(line, sep string) []string {
	r.tick(len(line))
	if line == "" {
		return nil
	}
	var parts []string
	switch {
	case sep == " ":
		parts = strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' || c == '\n' })
	case sep == "":
		if len(line) > maxFound {
			panic(awkError{errTextTooLong})
		}
		parts = strings.Split(line, "")
	case len(sep) == 1:
		parts = strings.Split(line, sep)
	default:
		return r.splitBy(r.pattern(sep).FindAllStringIndex(line, maxFound+1), line)
	}
	return parts
}

// splitBy cuts a text where a pattern is found.
func (r *awkRun) splitBy(places [][]int, line string) []string {
	if len(places) > maxFound {
		panic(awkError{errTextTooLong})
	}
	r.tick(len(places) << 8)
	var parts []string
	last := 0
	for _, at := range places {
		if at[0] < at[1] {
			parts = append(parts, line[last:at[0]])
			last = at[1]
		}
	}
	return append(parts, line[last:])
}

func (r *awkRun) field(i int) awkValue {
	if i == 0 {
		return input(r.line)
	}
	r.exists(i)
	if fields := r.cut(); i <= len(fields) {
		return input(fields[i-1])
	}
	return awkValue{}
}

// exists refuses a field that no line has.
func (r *awkRun) exists(i int) {
	if i < 0 {
		panic(awkError{errors.New("there is no field before $0")})
	}
}

// setField gives a field, and with it the line, another text.
func (r *awkRun) setField(i int, s string) {
	if i == 0 {
		r.setLine(s)
		return
	}
	r.exists(i)
	if i > len(r.cut()) {
		r.resize(i)
	}
	r.fields[i-1] = s
	r.line = r.join(r.fields, r.text("OFS"))
}

func (r *awkRun) resize(n int) {
	fields := r.cut()
	if n < 0 || n > max(maxFields, len(fields)) {
		panic(awkError{errors.New("a line cannot have that many fields")})
	}
	for len(fields) < n {
		fields = append(fields, "")
	}
	r.fields = fields[:n]
	r.line = r.join(r.fields, r.text("OFS"))
}

// whole makes a whole number that every machine can count with; no number is 0.
func whole(f float64) int {
	const most = 1 << 53
	switch {
	case math.IsNaN(f):
		return 0
	case f > most:
		return most
	case f < -most:
		return -most
	}
	return int(f)
}
