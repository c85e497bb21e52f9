package filter

import (
	"strings"
	"testing"
)

// What an awk program prints, where the machine's own awk is not at hand to compare with.
func TestAwk(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		args []string
		want string
	}{
		{"END runs after exit", "a\nb\n", []string{"{n++; exit} END{print n}"}, "1\n"},
		{"END runs after exit in BEGIN", "a\n", []string{"BEGIN{exit} END{print \"end\"}"}, "end\n"},
		{"the longest match counts", "foobar\n", []string{`{sub(/foo|foobar/,"X")} 1`}, "X\n"},
		{"a dot is a line's end too", "", []string{`BEGIN{s="a\nb"; sub(/a.b/,"X",s); print s}`}, "X\n"},
		{"a key is made once", "", []string{`BEGIN{a[i++]+=2; a[i++]++; print i, a[0], a[1]}`}, "2 2 1\n"},
		{"to ask for an item makes it", "", []string{`BEGIN{if (a["x"]=="") n=length(a); print n, ("x" in a), ("y" in a)}`}, "1 1 0\n"},
		{"printf's %g has six digits", "", []string{`BEGIN{printf "%g %e %d %i|%5s|%-5s|%05d|%c%c\n", 3.14159265, 12.5, "3x", -2.9, "ab", "ab", -42, "été", 65}`}, "3.14159 1.250000e+01 3 -2|   ab|ab   |-0042|éA\n"},
		{"printf takes widths from values", "", []string{`BEGIN{printf "%*d|%-*d|%.*f\n", 4, 1, 4, 2, 1, 2.55}`}, "   1|2   |2.5\n"},
		{"OFMT and CONVFMT", "", []string{`BEGIN{OFMT="%.2f"; x=3.14159; print x, x ""; CONVFMT="%.1f"; print x ""}`}, "3.14 3.14159\n3.1\n"},
		{"a CONVFMT that asks for itself", "", []string{`BEGIN{CONVFMT="%s"; x=0.5 ""; print x}`}, "0.5\n"},
		{"no number", "", []string{`BEGIN{x=-log(0); print x, -x, (log(-1)==log(-1)), (int(3e20) > 1)}`}, "inf -inf 0 1\n"},
		{"numbers in a program", "", []string{`BEGIN{print 1e+2, 1.5e-1, .5, 3e}`}, "100 0.15 0.5 3\n"},
		{"octal escapes", "", []string{`BEGIN{print "\101\t\\."}`}, "A\t\\.\n"},
		{"substr outside of the text", "", []string{`BEGIN{print substr("héllo",0,3) "|" substr("abc",-1e300,1e300) "|" substr("abc",2,1e300) "|" substr("abc",-9e18,-9e18) "|" substr("héllo",2,1) "|" substr("abc","x") "|" substr("hello",1.5,1.5) substr("hello",1.5) substr("hello",-1,3)}`}, "hél|abc|bc||é|abc|hhellohel\n"},
		{"split at a pattern of one character", "", []string{`BEGIN{n=split("a b  c",p,/ /); print n, p[3]; print split("a.b",p,/./), split("",p,/,/), split("abc",p,"")}`}, "4 \n4 0 3\n"},
		{"a lone backslash as FS", `a\b` + "\n", []string{`-F\`, "{print $2}"}, "b\n"},
		{"-F with escapes", "a|b\n", []string{`-F\\|`, "{print $2}"}, "b\n"},
		{"-v with a backslash at its end", "", []string{"-v", `x=a\`, "BEGIN{print x}"}, "a\\\n"},
		{"-v with a quote", "", []string{"-v", `x=a\"b"c`, "BEGIN{print x}"}, "a\"b\"c\n"},
		{"RS of one character", "a;b;c", []string{"-v", "RS=;", "{print NR, $0}"}, "1 a\n2 b\n3 c\n"},
		{"RS for paragraphs", "\n\na b\nc\n\n\nd\n", []string{"-v", "RS=", "{print NF \":\" $0}"}, "3:a b\nc\n1:d\n"},
		{"a replacement's backslashes", "abc\n", []string{`{gsub(/b/,"\\&"); print; gsub(/&/,"x\\.y"); print; sub(/x/,"[&&]"); print}`}, "a&c\nax\\.yc\na[xx]\\.yc\n"},
		{"gensub", "abab\n", []string{`{print gensub(/(a)(b)/,"\\2\\1","g"), gensub(/b/,"X",2), gensub(/b/,"Y","",$0)}`}, "baba abaX aYab\n"},
		{"only blanks cut fields", "a\u00a0b c\r\n", []string{`{print NF}`}, "2\n"},
		{"FS counts from the next line on", "a b,c\nd,e f\n", []string{`{FS=","; print $1}`}, "a\nd\n"},
		{"NF cuts and makes fields", "a b c\n", []string{`{NF=2; print; $4="x"; print; print NF}`}, "a b\na b  x\n4\n"},
		{"length of what", "", []string{`BEGIN{print length("é"), length(x), length(12345); a[1]; print length(a)}`}, "1 0 5\n1\n"},
		{"a list of escapes", "a/b]c\n", []string{`{gsub(/[\/\]]/,"-")} 1`}, "a-b-c\n"},
		{"an else behind a line's end", "", []string{"BEGIN{if (0) print 1; else if (1)\nprint 2\nelse print 3}"}, "2\n"},
		{"a file's end without a line's end", "a\nb", []string{"END{print NR, $0}"}, "2 b\n"},
	} {
		if got, status := filtered(t, c.in, append([]string{"awk"}, c.args...)...); got != c.want || status != 0 {
			t.Errorf("%s: %q prints (status %d) %q, not %q", c.name, c.args, status, got, c.want)
		}
	}
	if _, status := filtered(t, "a\n", "awk", "/a/{f=1; exit} END{exit f}"); status != 1 {
		t.Errorf("exit in END ends with %d", status)
	}
}

// What an awk program cannot do is refused before or while it runs, and never ends the step's process.
func TestAwkRefuses(t *testing.T) {
	for _, src := range []string{
		"{break}", "{continue}", "BEGIN{next}", "END{next}", "{x=match($0)}", "{x=match($0,/a/,m)}", "{gensub()}", "{print substr($0)}", "{split($0)}", "{split($0,1)}", "{delete", "{x in", "{x in (y)}",
		"{(1,2)}", "{print (1,2)(3)}", "{print 1, (2,3)}", "{printf}", "{++5}", "{5=x}", "{IGNORECASE=1}", `BEGIN{RS="ab"} {print}`, `{print "a` + "\n" + `b"}`, "{print 0x1f}", "{print 1e400}", "{$1e9=1}", "{$-1=1}",
		"{print $(-1)}", "{NF=1e9}", "{NF=-1}", `{printf "%99999d", 1}`, `{printf "%*d", 1e300, 1}`, `{printf "%.99999f", 1}`, "{x=1/0}", "{x=1%0}", `{x=strftime("%Y",1e300)}`, `{sub("(","")}`, "{x" + strings.Repeat("=x", 300) + "}",
		"{x=" + strings.Repeat("-", 1<<16) + "1}", `BEGIN{x="aaaaaaaa"; while(1) x=x x}`, `BEGIN{x=sprintf("%9999d",1); gsub(/ /,x,x)}`, `BEGIN{x=sprintf("%9999d",1); while(1) a[i++]=x i}`,
		`BEGIN{OFS=sprintf("%9999d",1); $99999=1}`,
	} {
		if out, status := filtered(t, "a b\n", "awk", src); status != -1 || out == "" {
			t.Errorf("%.80q is not refused: %d %.80s", src, status, out)
		}
	}
}

// A program whose output nobody reads any more ends.
func TestFiltersEndWhenNobodyReads(t *testing.T) {
	for _, args := range [][]string{{"awk", "BEGIN{while(1)print \"y\"}"}, {"awk", "BEGIN{while(1)printf \"y\"} END{print 1}"}, {"sed", ":a;p;ba"}, {"sed", ":a;i\\x\nba"}, {"jq", "-n", "repeat(1)"}} {
		checkEnds(t, args)
	}
}
