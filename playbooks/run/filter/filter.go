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
	"strings"

	"muster/playbooks/run/shell"
)

// maxLine bounds one line: what is longer is no text that a person reads.
const maxLine = 8 << 20

// Commands are the filters by name.
func Commands() map[string]shell.Command {
	return map[string]shell.Command{
		"grep": grep, "egrep": grep, "fgrep": grep,
		"head": head, "tail": tail, "sort": sortLines, "uniq": uniq, "wc": wc, "cut": cut, "tr": tr,
		"cat": cat, "tac": tac, "rev": rev, "nl": nl, "column": column, "base64": base64Text,
		"sed": sed, "awk": awk, "jq": jq,
	}
}

// eachLine calls do with every line, without its end, until do says to stop or ctx ends. Line ends are \n; the last
// line may have none.
func eachLine(ctx context.Context, r io.Reader, do func(line string) (more bool, err error)) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 0; ; n++ {
		if n%256 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line, err := readLine(in)
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

// readLine reads one line; io.EOF: there is none.
func readLine(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		part, err := in.ReadSlice('\n')
		b.Write(part)
		switch {
		case err == nil:
			return strings.TrimSuffix(b.String(), "\n"), nil
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
	long          map[string]byte // --name to its letter
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
			g.words = append(g.words, a)
		case strings.HasPrefix(a, "--"):
			long, v, has := strings.Cut(a[2:], "=")
			letter, ok := o.long[long]
			switch {
			case !ok:
				return g, shell.Refusef("%s has no --%s here.", name, long)
			case strings.IndexByte(o.valued, letter) < 0:
				g.set[letter] = true
			case has:
				g.values[letter] = append(g.values[letter], v)
			default:
				if i++; i >= len(args) {
					return g, fmt.Errorf("--%s needs a value", long)
				}
				g.values[letter] = append(g.values[letter], args[i])
			}
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
		if i >= maxWords && w == "-" {
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
