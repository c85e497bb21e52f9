package filter

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"regexp"
	"runtime/metrics"
	"strings"
	"testing"

	"muster/playbooks/run/shell"
)

// patience is a context that ends after a number of questions whether it has ended: it knows no clock.
type patience struct {
	context.Context
	left int
	over chan struct{}
}

func newPatience() *patience {
	return &patience{Context: context.Background(), left: 20_000, over: make(chan struct{})}
}

func (p *patience) ask(cost int) bool {
	before := p.left
	if p.left -= cost; p.left <= 0 && before > 0 {
		close(p.over)
	}
	return p.left <= 0
}

// Done is what jq asks before each of its steps. A program that doubles a text again and again ends by its memory.
func (p *patience) Done() <-chan struct{} {
	if p.ask(1); p.left%8 == 0 && p.left > 0 {
		held := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		if metrics.Read(held); held[0].Value.Uint64() > 256<<20 {
			p.ask(p.left)
		}
	}
	return p.over
}

// Err is what the others ask after some hundred steps.
func (p *patience) Err() error {
	if p.ask(1000) {
		return context.Canceled
	}
	return nil
}

// bounded takes so much and no more.
type bounded struct{ left int }

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("nobody reads any more")
	}
	return len(p), nil
}

// huge finds numbers with which one step of jq asks for gigabytes; a step of a runbook ends by its own limit then.
var huge = regexp.MustCompile(`[0-9]{5}|[0-9.][eE]|now|infinite|MAX`)

// checkFilter runs a filter over text: it must end, and not panic.
func checkFilter(t *testing.T, in string, args ...string) {
	t.Helper()
	if args[0] == "jq" && huge.MatchString(strings.Join(args, " ")+in) {
		return
	}
	defer func() {
		if end := recover(); end != nil {
			t.Errorf("%q over %q panics: %v", args, in, end)
			panic(end)
		}
	}()
	_ = Commands()[args[0]](newPatience(), shell.Streams{In: strings.NewReader(in), Out: &bounded{1 << 20}, Err: &bytes.Buffer{}}, args)
}

// composer writes programs of a language's tokens.
type composer struct {
	*rand.Rand
	depth int
}

func (c *composer) one(words string) string {
	all := strings.Split(words, " ")
	return all[c.IntN(len(all))]
}

// pick is one of the good words, and now and then a bad one.
func (c *composer) pick(good, bad string) string {
	if c.IntN(60) == 0 {
		return c.one(bad)
	}
	return c.one(good)
}

// spaced puts spaces where a word of one needed a ·.
func spaced(text string) string { return strings.ReplaceAll(text, "·", " ") }

// splice cuts a text somewhere, doubles a part, or puts one text into another.
func (c *composer) splice(a, b string) string {
	at, to := c.IntN(len(a)+1), c.IntN(len(b)+1)
	switch c.IntN(5) {
	case 0:
		return a[:at]
	case 1:
		return a[at:]
	case 2:
		return a[:at] + b[to:]
	case 3:
		return a[:at] + b + a[at:]
	default:
		return a[:at] + a[at/2:]
	}
}

// deeper calls do unless it is nested deeply enough.
func (c *composer) deeper(plain string, do func() string) string {
	if c.depth > 4 {
		return plain
	}
	c.depth++
	defer func() { c.depth-- }()
	return do()
}

func (c *composer) number() string {
	return c.pick("0 1 2 3 7 -1 -2 0.5 1e3 .5 10 64 9999 10001 1e308 -1e19 9223372036854775807 -9223372036854775809 4294967296 1e17 00 1.", "1e400 0x1f 1e 1.2.3 ''")
}

// pattern writes a POSIX expression or what is nearly one.
func (c *composer) pattern() string {
	var b strings.Builder
	for range 1 + c.IntN(5) {
		switch c.IntN(6) {
		case 0, 1:
			b.WriteString(c.pick(`a b x . é \t \. \\ ^ $ \b \w \s \/ , - = 1 A-B`, `\n | \1 \9 \( \) ( ) \< \> \B \W \d \' \x41 \xé \x \é \ ] } { & ~ / " ; ÿ`))
		case 2, 3:
			b.WriteString(c.pick(`a b x .`, `^ $ a|b`) + c.pick(`* + ? {2} {,3} {1,} {0} \{2\} \{,2\} \+ \?`, `{3,1} {1001} {, {} {a} \{ \} ** +? *? *+`))
		case 4:
			b.WriteString(c.pick(`[ab] [^a] [a-z] []a] [^]] [[:alpha:]] [[:digit:]a-f] [[.a.]] [[.-.]] [[=a=]] [a\] [\n] [a-] [-a] [/] [\/] [^[] [é-ü]`,
				`[z-a] [] [^ [ [a [[:^alpha:]] [[:foo:]] [[: [[:] [[:]] [[.]] [[.]] [[..]] [[=ab=]] [\]] [a-[:digit:]]`))
		default:
			b.WriteString(c.deeper("a", func() string {
				if c.IntN(2) == 0 {
					return c.pick(`( (a|`, `(?: (?i) (?P<n> \(`) + c.pattern() + c.pick(`) )* )? )|b`, `\) )) )+*`)
				}
				return c.pick(`\( \(a\|`, `(`) + c.pattern() + c.pick(`\) \)* \)\+ \)\|b`, `) \)**`)
			}))
		}
	}
	return b.String()
}

func (c *composer) text() string {
	words := []string{"a", "b c", "a/b/c", "é ü", "\xff\xfe", "", "12", "-3.5", "a,b,,c", "\t x", "aaa", "x=1", "1e5", "0x10", "nan", "[a]", "\\", "\"", "🙂", "a.b-c_d"}
	var b strings.Builder
	for range c.IntN(6) {
		b.WriteString(words[c.IntN(len(words))] + []string{" ", "\n", "", "\n\n", "\t", "\r\n", "\x00"}[c.IntN(7)])
	}
	return b.String()
}

// checkEnds runs a filter whose output is taken for a while only.
func checkEnds(t *testing.T, args []string) {
	t.Helper()
	in := shell.Streams{In: strings.NewReader("a\n"), Out: &bounded{100 << 10}, Err: &bytes.Buffer{}}
	var status shell.Exit
	if err := Commands()[args[0]](t.Context(), in, args); !errors.As(err, &status) || status != 141 {
		t.Errorf("%q ends with %v", args, err)
	}
}
