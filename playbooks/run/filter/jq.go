package filter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	query, err := gojq.Parse(words[0])
	if err != nil {
		return fmt.Errorf("the program %q cannot be read: %w", words[0], err)
	}
	inputs := &jsonInputs{dec: json.NewDecoder(s.In)}
	inputs.dec.UseNumber()
	if set['R'] {
		inputs = &jsonInputs{raw: bytes.NewBuffer(nil), from: s.In}
	}
	code, err := gojq.Compile(query, gojq.WithVariables(names), gojq.WithInputIter(inputs))
	if err != nil {
		return fmt.Errorf("the program %q cannot be read: %w", words[0], err)
	}
	out, done := buffered(s.Out)
	defer done(&err)
	j := &jqRun{set: set, values: values, code: code, out: out}
	switch {
	case set['n']:
		err = j.run(ctx, nil)
	case set['s']:
		all := []any{}
		for v, ok := inputs.Next(); ok; v, ok = inputs.Next() {
			if failed, bad := v.(error); bad {
				return failed
			}
			all = append(all, v)
		}
		if set['R'] {
			var b strings.Builder
			for _, line := range all {
				b.WriteString(line.(string) + "\n")
			}
			err = j.run(ctx, b.String())
		} else {
			err = j.run(ctx, all)
		}
	default:
		for v, ok := inputs.Next(); ok && err == nil; v, ok = inputs.Next() {
			if failed, bad := v.(error); bad {
				return failed
			}
			err = j.run(ctx, v)
		}
	}
	if err != nil {
		return err
	}
	if set['e'] && (!j.any || j.last == nil || j.last == false) {
		return shell.Exit(1)
	}
	return nil
}

type jqRun struct {
	set    map[byte]bool
	values []any
	code   *gojq.Code
	out    io.Writer
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
				return nil
			}
			return failed
		}
		j.last, j.any = r, true
		if err := j.print(r); err != nil {
			return err
		}
	}
}

func (j *jqRun) print(v any) error {
	end := "\n"
	if j.set['j'] {
		end = ""
	}
	if text, ok := v.(string); ok && (j.set['r'] || j.set['j']) {
		_, err := io.WriteString(j.out, text+end)
		return err
	}
	data, err := gojq.Marshal(v)
	if err != nil {
		return err
	}
	if !j.set['c'] && !j.set['j'] {
		var b bytes.Buffer
		indent := "  "
		if j.set['t'] {
			indent = "\t"
		}
		if err := json.Indent(&b, data, "", indent); err != nil {
			return err
		}
		data = b.Bytes()
	}
	_, err = j.out.Write(append(data, end...))
	return err
}

// jsonInputs gives the values, or lines, of the standard input.
type jsonInputs struct {
	dec  *json.Decoder
	raw  *bytes.Buffer
	from io.Reader
	read bool
}

// Next gives the next value; an error is a value too.
func (in *jsonInputs) Next() (any, bool) {
	if in.dec != nil {
		var v any
		err := in.dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return nil, false
		}
		if err != nil {
			return fmt.Errorf("this is no JSON: %w", err), true
		}
		return v, true
	}
	if !in.read {
		in.read = true
		if _, err := in.raw.ReadFrom(io.LimitReader(in.from, 64<<20)); err != nil {
			return err, true
		}
	}
	line, err := in.raw.ReadString('\n')
	if err != nil && line == "" {
		return nil, false
	}
	return strings.TrimSuffix(line, "\n"), true
}
