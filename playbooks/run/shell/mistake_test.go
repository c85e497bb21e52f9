package shell_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"muster/playbooks/run/shell"
)

// safe is a buffer that several goroutines write.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// ran parses and runs a block.
func ran(t *testing.T, text string, commands map[string]shell.Command, allow func([]string) error) (int, string, error) {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "step")
	if err != nil {
		t.Fatal(err)
	}
	var out safe
	status, err := shell.Run(t.Context(), shell.Block{File: file, Commands: commands, Allow: allow, Out: &out, Err: &out})
	return status, out.b.String(), err
}

// A command that panics ends the step with a sentence, wherever it stands, and everything that stands around it ends.
func TestACommandThatPanics(t *testing.T) {
	const sentence = "Muster made a mistake of its own in the command broken, and the step ended there (index out of range [3] with length 1)."
	for _, text := range []string{
		"broken", "endless | broken | copy", "endless | copy | broken", "broken | copy | copy", "echo a | { broken; echo no; } | copy", "x=$(broken)\necho no", "(broken; echo no)",
		"if broken; then echo no; fi", "for i in 1 2; do echo a | broken | copy; done; echo no", "echo a | while read x; do broken; done | copy", "broken || echo no", "! broken\necho no",
		"copy <<E\n$(broken)\nE\necho no",
	} {
		var left sync.WaitGroup
		counted := func(c shell.Command) shell.Command {
			return func(ctx context.Context, s shell.Streams, args []string) error {
				left.Add(1)
				defer left.Done()
				return c(ctx, s, args)
			}
		}
		status, out, err := ran(t, text, map[string]shell.Command{
			"broken": func(_ context.Context, _ shell.Streams, args []string) error {
				_ = args[len(args)+2]
				return nil
			},
			"copy": counted(func(_ context.Context, s shell.Streams, _ []string) error {
				_, err := io.Copy(s.Out, s.In)
				return err
			}),
			"endless": counted(func(_ context.Context, s shell.Streams, _ []string) error {
				for {
					if _, err := io.WriteString(s.Out, "again\n"); err != nil {
						return err
					}
				}
			}),
		}, nil)
		left.Wait()
		if err == nil || err.Error() != sentence || status == 0 || strings.Contains(out, "no") || strings.Contains(out, "goroutine") {
			t.Errorf("%q ends with %d, %v, and prints %q", text, status, err, out)
		}
	}
}

// What a command panicked with is not shown, for it may be a value of the step; and judging may panic too.
func TestAPanicShowsNoValue(t *testing.T) {
	_, out, err := ran(t, "echo a | broken", map[string]shell.Command{
		"broken": func(context.Context, shell.Streams, []string) error { panic("password=hunter2") },
	}, nil)
	if err == nil || err.Error() != "Muster made a mistake of its own in the command broken, and the step ended there." || strings.Contains(out, "hunter2") {
		t.Errorf("it ends with %v and prints %q", err, out)
	}
	_, out, err = ran(t, "echo a", nil, func([]string) error { panic("password=hunter2") })
	if err == nil || err.Error() != "Muster made a mistake of its own in judging the command echo, and the step ended there." || out != "" {
		t.Errorf("it ends with %v and prints %q", err, out)
	}
}
