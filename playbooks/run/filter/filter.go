// Package filter has the text filters of a step in pure Go: grep, sed, awk, jq and their small relatives.
//
// It never opens a file, never starts a program, and reads nothing but its standard input.
package filter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"muster/playbooks/run/shell"
)

// maxLine bounds one line: what is longer is no text that a person reads.
const maxLine = 8 << 20

// Commands are the filters by name.
func Commands() map[string]shell.Command {
	all := map[string]shell.Command{
		"grep": grep, "egrep": grep, "fgrep": grep,
		"head": head, "tail": tail, "sort": sortLines, "uniq": uniq, "wc": wc, "cut": cut, "tr": tr,
		"cat": cat, "tac": tac, "rev": rev, "nl": nl, "column": column, "base64": base64Text,
		"sed": sed, "awk": awk, "jq": jq,
	}
	for name, command := range all {
		all[name] = func(ctx context.Context, s shell.Streams, args []string) error {
			s.In, s.Out = reading{ctx, s.In}, writing{ctx, s.Out}
			return command(ctx, s, args)
		}
	}
	return all
}

// reading and writing end when ctx does, however long what they lead to goes on.
type reading struct {
	ctx  context.Context
	from io.Reader
}

func (r reading) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(p)
}

type writing struct {
	ctx context.Context
	to  io.Writer
}

func (w writing) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.to.Write(p)
}

// eachLine calls do with every line, without its end, until do says to stop or ctx ends. Line ends are \n; the last
// line may have none.
func eachLine(ctx context.Context, r io.Reader, do func(line string) (more bool, err error)) error {
	return eachEnded(ctx, r, func(line string) (bool, error) { return do(strings.TrimSuffix(line, "\n")) })
}

// eachEnded is eachLine with the lines' ends.
func eachEnded(ctx context.Context, r io.Reader, do func(line string) (more bool, err error)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line, err := readEnded(in, '\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		more, err := do(line)
		if err != nil || !more {
			return err
		}
	}
}

// readLine reads one line without its end; io.EOF: there is none.
func readLine(in *bufio.Reader) (string, error) { return readUntil(in, '\n') }

// readUntil reads up to a character, which is left out; io.EOF: there is nothing more.
func readUntil(in *bufio.Reader, end byte) (string, error) {
	line, err := readEnded(in, end)
	if n := len(line); n > 0 && line[n-1] == end {
		line = line[:n-1]
	}
	return line, err
}

// readEnded is readUntil with the character.
func readEnded(in *bufio.Reader, end byte) (string, error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice(end)
		b.Write(part)
		switch {
		case err == nil:
			return b.String(), nil
		case errors.Is(err, bufio.ErrBufferFull):
			if b.Len() > maxLine {
				return "", fmt.Errorf("a line is longer than %d MiB", maxLine>>20)
			}
		case errors.Is(err, io.EOF) && b.Len() > 0:
			return b.String(), nil
		default:
			return "", err
		}
	}
}

// allLines reads every line.
func allLines(ctx context.Context, r io.Reader) ([]string, error) {
	var all []string
	err := eachLine(ctx, r, func(line string) (bool, error) {
		all = append(all, line)
		return true, nil
	})
	return all, err
}

// buffered gives a writer that is flushed by done; a broken pipe is no error of the filter.
func buffered(w io.Writer) (out *bufio.Writer, done func(*error)) {
	out = bufio.NewWriterSize(w, 32<<10)
	return out, func(err *error) {
		if failed := out.Flush(); failed != nil && *err == nil {
			*err = shell.Exit(141)
		}
	}
}

// unread is how a filter ends whose output is not taken any more.
func unread(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return shell.Exit(141)
}

// runeReader reads characters.
func runeReader(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// put writes text; what could not be written is told by the flush.
func put(w *bufio.Writer, text string) { _, _ = w.WriteString(text) }

// option describes a command's options: letters without a value, letters with one, and long names for them.
type option struct {
	flags, valued string
	long          map[string]byte // --name to its letter; one below a space has no short form
	loose         byte            // the flag whose long names may have a value, which means nothing here
	number        byte            // the letter that -5 gives its value to; 0: there is no such form
	inOrder       bool            // options end at the first word
}

// given are the options and words of a call.
type given struct {
	set    map[byte]bool
	values map[byte][]string
	words  []string
}

func (g given) value(letter byte, none string) string {
	if v := g.values[letter]; len(v) > 0 {
		return v[len(v)-1]
	}
	return none
}

func (g given) has(letter byte) bool { return len(g.values[letter]) > 0 }

// whole reads an option's number, which is not negative; none when it is not given.
func (g given) whole(letter byte, none int) (int, error) {
	v := g.values[letter]
	if len(v) == 0 {
		return none, nil
	}
	n, err := wholeNumber(v[len(v)-1])
	if err != nil {
		return 0, fmt.Errorf("-%c needs a number, not %q", letter, v[len(v)-1])
	}
	return n, nil
}

// most is what a larger number is taken for: more than any step reads.
const most = 1 << 50

// wholeNumber reads plain digits.
func wholeNumber(word string) (int, error) {
	if word == "" || strings.Trim(word, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no number", word)
	}
	n, err := strconv.Atoi(word)
	if err != nil || n > most {
		return most, nil
	}
	return n, nil
}

// options reads a call's options. What the command does not have is refused, files too.
func (o option) options(args []string, maxWords int) (given, error) {
	g := given{set: map[byte]bool{}, values: map[byte][]string{}}
	name := args[0]
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			g.words = append(g.words, args[i+1:]...)
			i = len(args)
		case a == "-" || !strings.HasPrefix(a, "-"):
			if g.words = append(g.words, a); o.inOrder {
				g.words = append(g.words, args[i+1:]...)
				i = len(args)
			}
		case strings.HasPrefix(a, "--"):
			long, v, has := strings.Cut(a[2:], "=")
			letter, ok := o.long[long]
			switch {
			case !ok:
				return g, shell.Refusef("%s has no --%s here.", name, long)
			case strings.IndexByte(o.valued, letter) < 0:
				if has && letter != o.loose {
					return g, shell.Refusef("%s has no --%s with a value here.", name, long)
				}
				g.set[letter] = true
			case has:
				g.values[letter] = append(g.values[letter], v)
			default:
				if i++; i >= len(args) {
					return g, fmt.Errorf("--%s needs a value", long)
				}
				g.values[letter] = append(g.values[letter], args[i])
			}
		case o.number != 0 && strings.Trim(a[1:], "0123456789") == "":
			g.values[o.number] = append(g.values[o.number], a[1:])
		default:
			used, err := o.letters(&g, name, args[i:])
			if err != nil {
				return g, err
			}
			i += used
		}
	}
	words := g.words[:0:0]
	for i, w := range g.words {
		if i >= maxWords && w == "-" && !o.inOrder {
			continue // standard input
		}
		words = append(words, w)
	}
	if g.words = words; len(words) > maxWords {
		return g, shell.Refusef("%s reads only its standard input here: there is no file %q.", name, words[maxWords])
	}
	return g, nil
}

func (o option) letters(g *given, name string, args []string) (used int, err error) {
	word := args[0]
	for k := 1; k < len(word); k++ {
		c := word[k]
		switch {
		case c < ' ' || c >= utf8.RuneSelf:
			return 0, shell.Refusef("%s has no option %q here.", name, strings.ToValidUTF8(word, "?"))
		case strings.IndexByte(o.flags, c) >= 0:
			g.set[c] = true
		case strings.IndexByte(o.valued, c) >= 0:
			if k+1 < len(word) {
				g.values[c] = append(g.values[c], word[k+1:])
				return 0, nil
			}
			if len(args) < 2 {
				return 0, fmt.Errorf("-%c needs a value", c)
			}
			g.values[c] = append(g.values[c], args[1])
			return 1, nil
		default:
			return 0, shell.Refusef("%s has no -%c here.", name, c)
		}
	}
	return 0, nil
}
