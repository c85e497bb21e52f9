package filter

import "testing"

// What a sed program prints, where GNU's sed is not at hand to compare with.
func TestSed(t *testing.T) {
	for _, c := range []struct {
		name, in string
		args     []string
		want     string
	}{
		{"a list may hold what ends the pattern", "a/]b\n", []string{"s/[]/]/-/g;s/[^]/]/x/"}, "x--b\n"},
		{"y's texts have no lists", "a[b\n", []string{`y/[/x/`}, "axb\n"},
		{"y's escapes", "a/b\n", []string{`y/\/ab/x\n\\/`}, "\nx\\\n"},
		{"a pattern's end is a plain character inside", "a|b a+c\n", []string{`s|a\|b|X|;s+a\+c+Y+`}, "X Y\n"},
		{"a count without its beginning", "aaaa\n", []string{`s/a\{,2\}/X/`}, "Xaa\n"},
		{"the longest match counts", "foobar\n", []string{"-E", "s/foo|foobar/X/"}, "X\n"},
		{"a dot is a line's end too", "a\nb\n", []string{"N;s/a.b/X/"}, "X\n"},
		{"M looks at each line", "a\nb\n", []string{"N;s/^/> /Mg"}, "> a\n> b\n"},
		{"flags may stand apart", "a\nb\n", []string{"-n", "s/a/x/ p"}, "x\n"},
		{"an empty pattern is the one used last", "a b\n", []string{"/x/s/y/z/;s//-/;/b/s//B/"}, "a B\n"},
		{"0,/pattern/", "a\nb\na\n", []string{"0,/a/s//X/"}, "X\nb\na\n"},
		{"first~0", "a\nb\n", []string{"-n", "2~0p"}, "b\n"},
		{"+0 and ~N", "1\n2\n3\n4\n5\n", []string{"-n", "1,+0p;2,~4p"}, "1\n2\n3\n4\n"},
		{"N goes past a range's end", "1\n2\n3\n4\n5\n6\n", []string{"-n", "N;/2/,+1p;/2/,3s/4/X/p"}, "1\n2\n3\n4\n"},
		{"a number that no text reaches", "a\n", []string{"99999999999999999999d"}, "a\n"},
		{"text goes on behind a backslash", "a\n", []string{"a\\\n  one\\\ntwo"}, "a\n  one\ntwo\n"},
		{"text's escapes", "a\n", []string{`a one\ttwo\\x`}, "a\none\ttwo\\x\n"},
		{"a line's blanks are kept behind a backslash", "a\n", []string{`a\  x`}, "a\n  x\n"},
		{"c writes what waits", "1\n2\n", []string{"1{a x\nc y\n}"}, "y\nx\n2\n"},
		{"N writes what waits", "1\n2\n", []string{"a x\nN"}, "x\n1\n2\n"},
		{"-z", "a\nb\n", []string{"-z", `s/\n/,/g`}, "a,b,\x00"},
		{"#n", "a\nb\n", []string{"#n\n1p"}, "a\n"},
		{"codes of characters", "a\n", []string{`s/\x61/\x41\o102\d067/`}, "ABC\n"},
		{"letters outside of ASCII behind a backslash", "aéb\n", []string{`s/\é/-/`}, "a-b\n"},
		{"classes by name", "a-b\n", []string{`s/[[.-.]]/+/;s/[[=a=]]/A/`}, "A+b\n"},
		{"a backslash in a list", "a\\]b\n", []string{`s/[\]]/X/`}, "aXb\n"},
		{"a word's beginning", "foo bar\n", []string{`s/\<./\U&/g;s/o\>/0/`}, "Fo0 Bar\n"},
		{"two counts", "aab\n", []string{"-E", "s/a+?b/X/"}, "X\n"},
		{"q with a status", "a\nb\n", []string{"-n", "p;$!b;q"}, "a\nb\n"},
	} {
		if got, status := filtered(t, c.in, append([]string{"sed"}, c.args...)...); got != c.want || status != 0 {
			t.Errorf("%s: %q prints (status %d) %q, not %q", c.name, c.args, status, got, c.want)
		}
	}
}

// What sed cannot do is refused before or while it runs, and never ends the step's process.
func TestSedRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"s/a/\\1/"}, {"/a/s//\\1/"}, {"s//x/"}, {"//d"}, {"//Id"}, {"0p"}, {"0,2p"}, {",2p"}, {"1,p"}, {"1,2~3p"}, {"1!!p"}, {"px"}, {"s/a/b/z"}, {"s/a/b/0"}, {"s/a/b\n/"}, {"s/a"}, {"s/a/b"}, {"s/[/x/"}, {"y/a/"}, {"y/a/bc/"},
		{"y"}, {"s"}, {"a"}, {"1a"}, {":"}, {":a;:a"}, {"1:a"}, {"bx"}, {"{p"}, {"}"}, {"p}"}, {"1,2q"}, {"1"}, {"1,"}, {"!"}, {"\\"}, {"\\\n"}, {"s/\\(a/x/"}, {"s/a\\{2/x/"}, {"s/a\\{1,2\\}\\{3\\}/x/"}, {"s/[[.ab.]]/x/"}, {"s/[[..]a]/x/"},
		{"s/\\>/x/"}, {"s/a\\</x/"}, {"s/\\xg1/x/"}, {"-E", "s/(a)\\1/x/"}, {"s/a/b/w x"}, {":a;H;G;ba"}, {":a;a\\\nxxxxxxxxxxxxxxxxxxxxxxxxxx\nba"},
	} {
		if out, status := filtered(t, "a b\n", append([]string{"sed"}, args...)...); status != -1 || out == "" {
			t.Errorf("%q is not refused: %d %.80q", args, status, out)
		}
	}
}

func TestJQOptions(t *testing.T) {
	for _, c := range []struct {
		in   string
		args []string
		want string
		code int
	}{
		{`{"a":1}`, []string{"-j", "."}, "{\n  \"a\": 1\n}", 0},
		{`{"a":1}`, []string{"--indent", "0", "."}, "{\"a\":1}\n", 0},
		{`{"a":1}`, []string{"--indent", "4", "."}, "{\n    \"a\": 1\n}\n", 0},
		{"a\nb", []string{"-Rs", "."}, "\"a\\nb\"\n", 0},
		{"a\nb", []string{"-R", "."}, "\"a\"\n\"b\"\n", 0},
		{"1 2", []string{"halt"}, "", 0},
		{"1", []string{"-e", "empty"}, "", 4},
		{"1", []string{"-e", "null"}, "null\n", 1},
	} {
		if got, status := filtered(t, c.in, append([]string{"jq"}, c.args...)...); got != c.want || status != c.code {
			t.Errorf("%q prints (status %d) %q, not %q", c.args, status, got, c.want)
		}
	}
}
