package filter

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"

	"muster/playbooks/run/shell"
)

var jqFlags = map[string]byte{"raw-output": 'r', "raw-input": 'R', "null-input": 'n', "compact-output": 'c', "slurp": 's', "sort-keys": 'S',
	"exit-status": 'e', "join-output": 'j', "color-output": 'C', "monochrome-output": 'M', "ascii-output": 'a', "tab": 't', "unbuffered": 'u'}

// jq runs a jq program over JSON.
func jq(ctx context.Context, s shell.Streams, args []string) (err error) {
	set := map[byte]bool{}
	var words, names []string
	var values []any
	indent := "  "
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--arg" || a == "--argjson":
			if i+2 >= len(args) {
				return fmt.Errorf("%s needs a name and a value", a)
			}
			var v any = args[i+2]
			if a == "--argjson" {
				if err := json.Unmarshal([]byte(args[i+2]), &v); err != nil {
					return fmt.Errorf("--argjson %s is no JSON", args[i+1])
				}
			}
			names, values = append(names, "$"+args[i+1]), append(values, v)
			i += 2
		case a == "--indent" && i+1 < len(args):
			i++
			n, err := strconv.Atoi(args[i])
			if err != nil || n < 0 || n > 7 {
				return errors.New("--indent needs a number up to 7")
			}
			indent = strings.Repeat(" ", n)
		case strings.HasPrefix(a, "--"):
			letter, ok := jqFlags[a[2:]]
			if !ok {
				return shell.Refusef("jq has no %s here.", a)
			}
			set[letter] = true
		case strings.HasPrefix(a, "-") && len(a) > 1:
			for _, c := range []byte(a[1:]) {
				if strings.IndexByte("rRncsSejCMau", c) < 0 {
					return shell.Refusef("jq has no -%c here.", c)
				}
				set[c] = true
			}
		default:
			words = append(words, a)
		}
	}
	if len(words) == 0 {
		words = []string{"."}
	}
	if len(words) > 1 {
		return shell.Refusef("jq reads only its standard input here: there is no file %q.", words[1])
	}
	if len(words[0]) > maxProgram {
		return errTooLong
	}
	if set['t'] {
		indent = "\t"
	}
	query, err := gojq.Parse(words[0])
	if err != nil {
		return fmt.Errorf("the program %q cannot be read: %w", words[0], err)
	}
	in := &boundedInput{r: s.In, left: maxInput}
	inputs := &jsonInputs{dec: json.NewDecoder(in)}
	inputs.dec.UseNumber()
	if set['R'] {
		inputs = &jsonInputs{lines: bufio.NewReaderSize(in, 64<<10)}
	}
	code, err := gojq.Compile(query, gojq.WithVariables(names), gojq.WithInputIter(inputs))
	if err != nil {
		return fmt.Errorf("the program %q cannot be read: %w", words[0], err)
	}
	out, done := buffered(s.Out)
	defer done(&err)
	j := &jqRun{set: set, values: values, code: code, out: out, indent: indent}
	switch {
	case set['n']:
		err = j.run(ctx, nil)
	case set['s'] && set['R']:
		var all []byte
		if all, err = io.ReadAll(in); err == nil {
			err = j.run(ctx, string(all))
		}
	case set['s']:
		all := []any{}
		for v, ok := inputs.Next(); ok; v, ok = inputs.Next() {
			if failed, bad := v.(error); bad {
				return failed
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			all = append(all, v)
		}
		err = j.run(ctx, all)
	default:
		for v, ok := inputs.Next(); ok && err == nil; v, ok = inputs.Next() {
			if failed, bad := v.(error); bad {
				return failed
			}
			err = j.run(ctx, v)
		}
	}
	if errors.Is(err, errHalt) {
		err = nil
	}
	switch {
	case err != nil || !set['e']:
		return err
	case !j.any:
		return shell.Exit(4)
	case j.last == nil || j.last == false:
		return shell.Exit(1)
	}
	return nil
}

// errHalt ends the whole program.
var errHalt = errors.New("halt")

// maxInput bounds what jq reads: it holds all of a text at once.
const maxInput = 64 << 20

// boundedInput fails when more comes than it has left.
type boundedInput struct {
	r    io.Reader
	left int
}

func (b *boundedInput) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("jq reads at most %d MiB here", maxInput>>20)
	}
	n, err := b.r.Read(p[:min(len(p), b.left+1)])
	b.left -= n
	return n, err
}

type jqRun struct {
	set    map[byte]bool
	values []any
	code   *gojq.Code
	out    io.Writer
	indent string
	last   any
	any    bool
}

func (j *jqRun) run(ctx context.Context, v any) error {
	results := j.code.RunWithContext(ctx, v, j.values...)
	for {
		r, ok := results.Next()
		if !ok {
			return nil
		}
		if failed, bad := r.(error); bad {
			var halt *gojq.HaltError
			if errors.As(failed, &halt) && halt.Value() == nil {
				return errHalt
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return failed
		}
		j.last, j.any = r, true
		data, err := j.written(r)
		if err != nil {
			return err
		}
		if _, err := j.out.Write(data); err != nil {
			return unread(ctx)
		}
	}
}

// written is a value as it is printed.
func (j *jqRun) written(v any) ([]byte, error) {
	end := "\n"
	if j.set['j'] {
		end = ""
	}
	if text, ok := v.(string); ok && (j.set['r'] || j.set['j']) {
		return []byte(text + end), nil
	}
	data, err := gojq.Marshal(v)
	if err != nil {
		return nil, err
	}
	if !j.set['c'] && j.indent != "" {
		var b bytes.Buffer
		if err := json.Indent(&b, data, "", j.indent); err != nil {
			return nil, err
		}
		data = b.Bytes()
	}
	return append(data, end...), nil
}

// jsonInputs gives the values, or lines, of the standard input.
type jsonInputs struct {
	dec    *json.Decoder
	lines  *bufio.Reader
	failed error
}

// Next gives the next value; an error is a value too, and the last one.
func (in *jsonInputs) Next() (v any, ok bool) {
	var err error
	switch {
	case in.failed != nil:
		err = io.EOF
	case in.lines != nil:
		v, err = readLine(in.lines)
	default:
		if err = in.dec.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("this is no JSON: %w", err)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil, false
	}
	if err != nil {
		in.failed = err
		return err, true
	}
	return v, true
}
