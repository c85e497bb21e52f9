package run

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
)

// Of much output the beginning and the end are kept, since the end has the
// error, with a line between them; a secret across a cut is not shown in part.
func TestMuchOutputKeepsItsEnds(t *testing.T) {
	const limit = 16 << 10
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEowIBAAKCAQEAxKEYxKEYxKEYxKEYxKEYxKEYxKEYxKEY\n", 30) + "-----END RSA PRIVATE KEY-----\n"
	shifts := 2
	if underRace {
		shifts = 1 // masking is what takes the time
	}
	for _, lines := range []int{10, 1_500} {
		for shift := range shifts {
			stopped := false
			s := newSink(limit, &framer{w: json.NewEncoder(io.Discard)}, func() { stopped = true })
			s.secrets.Add("hunter2-hunter2")
			fmt.Fprintf(s, "begun %s\n", strings.Repeat("x", shift*997))
			written := 0
			for i := range lines {
				line := fmt.Sprintf("line %d hunter2-hunter2\n", i)
				if lines > 10 && i%250 == 0 {
					line = key
				}
				written += len(line)
				if _, err := io.WriteString(s, line); err != nil {
					t.Fatal(err)
				}
			}
			fmt.Fprintln(s, "Error from server: the last word")
			text, cut := s.whole()
			out := string(text)
			if stopped || cut != (written > limit) || cut != strings.Contains(out, "KiB are left out here") || len(out) > limit {
				t.Errorf("%d bytes: stopped %v, cut %v, %d kept", written, stopped, cut, len(out))
			}
			if !strings.HasPrefix(out, "begun ") || !strings.HasSuffix(out, "the last word\n") {
				t.Errorf("%d bytes: it begins with %.40q and ends with %q", written, out, out[len(out)-40:])
			}
			if strings.Contains(out, "hunter2") || strings.Contains(out, "xKEY") {
				t.Errorf("%d bytes: a secret is shown", written)
			}
			if cut && len(out) < limit/3 {
				t.Errorf("%d bytes: only %d are kept", written, len(out))
			}
		}
	}
	for behind := limit/4 - 1700; behind < limit/4+300; behind += 500 { // the end begins within a key
		s := newSink(limit, &framer{w: json.NewEncoder(io.Discard)}, func() {})
		fmt.Fprint(s, strings.Repeat("some line\n", limit/10), key, strings.Repeat("next line\n", behind/10))
		if text, _ := s.whole(); strings.Contains(string(text), "xKEY") {
			t.Errorf("%d bytes before the end, a part of a key is shown", behind)
		}
	}
	long := newSink(limit, &framer{w: json.NewEncoder(io.Discard)}, func() {})
	_, _ = io.WriteString(long, strings.Repeat("y", 3*limit)+"end")
	if text, cut := long.whole(); !cut || len(text) > limit || !strings.HasSuffix(string(text), "yend") {
		t.Errorf("of one long line %d bytes are kept, cut %v", len(text), cut)
	}
}

// What prints without end is ended.
func TestEndlessOutputIsEnded(t *testing.T) {
	stopped := false
	s := newSink(1<<10, &framer{w: json.NewEncoder(io.Discard)}, func() { stopped = true })
	for range endless*64 + 1 {
		if _, err := io.WriteString(s, "fifteen letters\n"); err != nil {
			break
		}
	}
	if text, cut := s.whole(); !stopped || !s.overflowed() || !cut || len(text) > 1<<10 {
		t.Errorf("stopped %v, %d bytes kept", stopped, len(text))
	}
}
