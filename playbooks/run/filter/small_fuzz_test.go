package filter

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"muster/playbooks/run/shell"
)

// small are the filters whose words are not a language of their own, with the parts that their calls are made of. What
// begins with a space is a value that the option before it takes.
var small = map[string][]string{
	"grep": {"-E", "-F", "-P", "-i", "-v", "-w", "-x", "-c", "-o", "-n", "-q", "-H", "-h", "-s", "-a", "-y", "-A", "-B", "-C", "-m", "-e", "-1", "-A1", "-B2", "-C0", "-m1", "-m2",
		"-nA1", "-ow", "-on", "-cv", " 0", " 1", " 2", " 99999999999999999999", " -1", " a", " a|ab", "a", "ab", "-e a", "a.*c", "[a-c]", "[[:digit:]]+", `\(a\)*`, "a\\{2\\}", "^", "$", "^a", "b$",
		"", ".", "x*", "é", "/h", "-x", `\Qa.`, "(?i)B", "a\nb", "--color=auto", "--count", "--max-count=1", "--regexp=b", "--", "-", "[", "(", "*", `\bab\b`, "a+|b"},
	"head": {"-n", "-c", "-q", "-1", "-2", "-0", "-n1", "-n-1", "-n+2", "-c3", "-c-3", "-c-0", "-n-0", "-n0", " 1", " -2", " 1K", " 1kB", " +3", " ", " -", " 99999999999999999999", " -99999999999999999999",
		"--lines=2", "--bytes=-2", "--lines", "-", "--"},
	"tail": {"-n", "-c", "-q", "-1", "-2", "-0", "-n1", "-n-1", "-n+2", "-n+0", "-c3", "-c+3", "-c-3", "-c+0", "-n0", "-c0", " 1", " +1", " -2", " 1K", " +-3", " ++3", " ", " +", " 99999999999999999999",
		" +99999999999999999999", "--lines=+2", "--bytes=2", "+2", "-", "--"},
	"sort": {"-b", "-d", "-f", "-g", "-h", "-i", "-n", "-M", "-V", "-r", "-u", "-s", "-c", "-k", "-t", "-k1", "-k2", "-k2,2", "-k1,1n", "-k2nr", "-k1.2", "-k1.2,1.3", "-k2.2b,2.3b", "-k1.0", "-k1,1.0", "-k2,1",
		"-k0", "-k1.2,3n", "-k2b", "-k2,2f", "-k1V", "-k3,3M", "-k2g", "-k2,2h", "-k99999999999999999999", "-k1.99999999999999999999", "-k1,", "-k,1", "-k1z", "-k-1", "-k1.-1", "-t:", "-t,", "-t ", `-t\0`, `-t\t`, "-té",
		"-tab", " :", " ", " 1", " 2n", "--key=2", "--field-separator=:", "-nr", "-ru", "--reverse", "-"},
	"uniq": {"-c", "-d", "-D", "-i", "-u", "-f", "-s", "-w", "-f1", "-f2", "-s1", "-w1", "-w0", "-f99999999999999999999", "-s99999999999999999999", " 0", " 1", " 3", " -1", " ", "--count", "--skip-fields=1", "-cd",
		"--all-repeated=separate", "--check-chars=2", "-"},
	"wc": {"-c", "-l", "-m", "-w", "-L", "-lw", "--lines", "--bytes", "-"},
	"cut": {"-b", "-c", "-d", "-f", "-s", "-n", "-f1", "-f2", "-f1,3", "-f2-", "-f-2", "-f3-2", "-f0", "-f1-1,2-2", "-f3,1", "-f-", "-f1,,2", "-f99999999999999999999", "-f1-99999999999999999999", "-c1", "-c2-3", "-c-2,4-",
		"-b1-2,3-4", "-c1,2", "-d:", "-d,", "-d ", "-dé", "-dab", "-d", " :", " ", " 1", " 2-", " 1 3", "--complement", "--output-delimiter=|", "--output-delimiter=", "--only-delimited", "--fields=2", "-"},
	"tr": {"-c", "-C", "-d", "-s", "-t", "-cd", "-ds", "-cs", "--delete", "--squeeze-repeats", "a", "ab", "a-c", "a-", "-a", "c-a", "[:lower:]", "[:upper:]", "[:digit:]", "[:alpha:]", "[:space:]", "[:punct:]", "[:cntrl:]",
		"[:nothing:]", "[:]", "[::]", "[:*]", "[:a", "[=a=]", "[==]", "[=*2]", "[a*]", "[a*2]", "[a*010]", "[a*0]", "[a*x]", "[*", "[", "]", "[]", "[-]", "[a-c]", `\n`, `\t`, `\\`, `\`, `\012`, `\0`, `\101-\103`, `\200`, `\400`,
		`\-`, `a\-c`, `a-\n`, `\n-a`, `\[:a:]`, "", "é", "à-ü", "aa", "xyz", "A-C", "x", "-", "--", "[:lower:]a", "a[:upper:]", "[:alpha:]\n", "[x*][:upper:]", "a-c[x*2]"},
	"cat":    {"-A", "-b", "-E", "-e", "-n", "-s", "-T", "-t", "-u", "-v", "-vet", "--number", "--show-all", "-"},
	"tac":    {"-r", "-"},
	"rev":    {"-z", "-"},
	"nl":     {"-b", "-n", "-s", "-w", "-ba", "-bt", "-bn", "-bpx", "-nln", "-nrn", "-nrz", "-w1", "-w3", "-w0", "-w101", "-w-1", "-s:", "-sé", "-s", " ", " a", " 4", "-"},
	"column": {"-t", "-s", "-o", "-s:", "-s,:", "-sé", "-o|", "-o", " ", " :", "--table", "--separator=,", "-"},
	"base64": {"-d", "-i", "-w", "-w0", "-w1", "-w10", "-w76", "-w-1", "-w99999999999999999999", "-di", "--decode", "--wrap=5", " 0", " 4", " ", "-"},
}

// parts are what an input is made of.
var parts = []string{"a", "ab", "abc", "b", "A", "Ab", "a a", "a b c", "1", "2", "10", "-3", "1.5", "1e3", "0x10", "+5", "1K", "2M", "1023K", ".5", "-0", "007", "Jan", "feb", "DEC", "inf", "nan", "v1.2", "v1.10", "x.tar.gz",
	"x-1.tar.gz", "~", ".", "..", ".a", ":", ",", "a:b:c", "a,,b", "::", " ", "  ", "\t", "\r", "é", "à", "日本", "\xff", "\x00", "\x01", "\x7f", "\u00a0", "-", "_", "/healthz", "-x", "$", "(", "YQ==", "YWJj", "YWI", "=", "aab", "aaa", "x", "\v", "\f"}

// composedCall makes a call and an input for it, well formed for the most part.
func composedCall(r *rand.Rand) (args []string, in string) {
	names := make([]string, 0, len(small))
	for name := range small {
		names = append(names, name)
	}
	slices.Sort(names)
	return composedFor(r, names[r.IntN(len(names))], names)
}

func composedFor(r *rand.Rand, name string, names []string) (args []string, in string) {
	args = []string{name}
	for range r.IntN(5) {
		from := small[name]
		if r.IntN(40) == 0 {
			from = small[names[r.IntN(len(names))]]
		}
		word := from[r.IntN(len(from))]
		value, ok := strings.CutPrefix(word, " ")
		switch {
		case ok:
			word = value
		case r.IntN(25) == 0 && word != "":
			at := r.IntN(len(word) + 1)
			word = word[:at] + parts[r.IntN(len(parts))] + word[at:]
		case r.IntN(25) == 0 && word != "":
			word = word[:r.IntN(len(word))]
		}
		args = append(args, word)
	}
	var b strings.Builder
	for range r.IntN(8) {
		for n := r.IntN(4); n >= 0; n-- {
			b.WriteString(parts[r.IntN(len(parts))])
			if r.IntN(3) == 0 {
				b.WriteString(" ")
			}
		}
		if r.IntN(5) > 0 {
			b.WriteByte('\n')
		}
		if r.IntN(8) == 0 {
			b.WriteByte('\n')
		}
	}
	return args, b.String()
}

// pages is an input that comes a few bytes at a time.
type pages struct{ left string }

func (p *pages) Read(into []byte) (int, error) {
	if p.left == "" {
		return 0, io.EOF
	}
	n := copy(into[:min(len(into), 3)], p.left)
	p.left = p.left[n:]
	return n, nil
}

// checkSmall holds a call to what every filter promises: it ends without a panic, says the same however its input
// arrives, takes no memory beyond its input's measure, stops where nobody reads, and does nothing when its time is over.
func checkSmall(t *testing.T, args []string, in string) {
	t.Helper()
	if len(args) == 0 || small[args[0]] == nil || len(in) > 1<<16 || len(strings.Join(args, "")) > 1<<12 {
		return
	}
	command := Commands()[args[0]]
	run := func(ctx context.Context, r io.Reader, w io.Writer) (string, error) {
		given := slices.Clone(args)
		var bad bytes.Buffer
		err := command(ctx, shell.Streams{In: r, Out: w, Err: &bad}, given)
		if !slices.Equal(given, args) {
			t.Errorf("%q changes its words to %q", args, given)
		}
		return bad.String(), err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var out bytes.Buffer
	said, err := run(context.Background(), strings.NewReader(in), &out)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20+uint64(len(in))<<10 {
		t.Errorf("%q takes %d bytes for an input of %d", args, took, len(in))
	}
	var slow bytes.Buffer
	said2, err2 := run(context.Background(), &pages{in}, &slow)
	if slow.String() != out.String() || said2 != said || (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
		t.Errorf("%q over %q prints %q (%v), and %q (%v) when it comes in parts", args, in, out.String(), err, slow.String(), err2)
	}
	closed, write := io.Pipe()
	closed.Close()
	_, _ = run(context.Background(), strings.NewReader(in), write)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	var none bytes.Buffer
	if _, err := run(over, endless{}, &none); err == nil && none.Len() > 0 {
		t.Errorf("%q prints %q when its time is over", args, none.String())
	}
}

// endless is an input without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "a b\n"[i%4]
	}
	return len(p), nil
}

// Calls made of the filters' own options, in any order and with words that do not fit, keep every promise.
func TestSmallFiltersComposed(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 20))
	for range 2000 {
		args, in := composedCall(r)
		checkSmall(t, args, in)
		if t.Failed() {
			t.Fatalf("%q over %q", args, in)
		}
	}
}

// The call is its words, one a line.
func FuzzSmallFilters(f *testing.F) {
	for _, call := range []string{"tr\n[:]\nx", "tr\n[::]\nx", "tr\n-d\na-", "tr\n\\\nx", "tr\n[=a=]\nb", "tr\na-c\n[x*2]", "tr\n\\n-a\nb", "cut\n-f1-,3\n-d:", "cut\n-c2-\n--complement",
		"sort\n-k1.2,3n\n-t:", "sort\n-t\n", "sort\n-V", "sort\n-h\n-k2b", "head\n-n\n-1", "head\n-c-3", "tail\n-n\n+2", "tail\n+2", "tail\n-c\n5", "uniq\n-f9\n-c", "uniq\n-D", "nl\n-w3\n-nrz", "column\n-t\n-s:",
		"base64\n-d", "base64\n-w3", "grep\n-wo\na|-x", "grep\n-A1\n-m1\na", "cat\n-A", "wc\n-L", "rev", "tac"} {
		f.Add(call, "a b\nc:d:e\n\n10 1K\r\nYQ==\xff\x00")
	}
	f.Fuzz(func(t *testing.T, call, in string) { checkSmall(t, strings.Split(call, "\n"), in) })
}
