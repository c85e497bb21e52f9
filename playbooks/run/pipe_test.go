package run

import (
	"strings"
	"testing"
)

// In a pipe the first command that failed decides, and is named. That a reader
// had enough, that a grep in front found nothing, and a test's no are no
// failures.
func TestPipesAreHonest(t *testing.T) {
	host, _ := site(t)
	down, up := "curl -sf http://"+host+"/down", "curl -s http://"+host+"/up"
	for _, c := range []struct {
		code string
		want Ended
		says string // in Why; of a step that is done: in the output
	}{
		{down + " | cat", Failed, "/down ended with status"},
		{down + " | grep up", Failed, "/down ended with status"},
		{down + " | sort | uniq | head -3", Failed, "/down ended with status"},
		{"echo up | sort | jq . | cat", Failed, "jq . ended with status"},
		{down + " | jq . | cat", Failed, "/down ended with status"},
		{up + " | grep nothing", Failed, "grep nothing ended with status 1"},
		{"for i in 1 2; do " + down + "; done | cat", Failed, "/down ended with status"},
		{"x=$(" + down + " | cat); echo $x", Done, ""},
		{down + " | cat; echo over", Done, "over"},
		{down + " | cat || echo none", Done, "none"},
		{down + "; false", Failed, "The last command ended with status 1"},
		{down, Failed, "/down ended with status"},
		{"{ " + down + " || echo instead; } | cat", Done, "instead"},
		{"{ " + down + " || echo instead; } | jq .", Failed, "jq . ended with status"},
		{up + " | grep nothing | wc -l", Done, "0"},
		{up + " | grep nothing | sort", Done, ""},
		{"for i in 1 2; do " + up + " | grep nothing; done | sort", Done, ""},
		{"for i in 1 2; do [ $i = 1 ] && echo $i; done | sort", Done, "1"},
		{down + " | while read -r x; do [ $x = 1 ] && echo $x; done | sort", Failed, "/down ended with status"},
		{"printf 'a\\nb\\n' | while read -r x; do [ $x = a ] && echo $x; done | sort", Done, "a"},
		{"if " + up + " | grep -q GET; then echo yes; else echo no; fi", Done, "yes"},
		{"if " + down + " | grep -q GET; then echo yes; else echo no; fi", Done, "no"},
		{"x=yyyyyyyyyyyyyyyyyyyy; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; x=$x$x$x$x$x$x$x$x$x$x; { echo a; echo $x$x$x$x; echo $x$x$x$x; } | cat | head -1", Done, "a"},
		{"curl -s http://" + host + "/drip | head -2", Done, "drop\ndrop\n"},
		{"! " + down + " | cat", Done, ""},
		{"set -e; " + up + " | grep nothing | cat; echo on", Done, "on"},
		{"set -e; " + down + " | cat; echo on", Failed, "/down ended with status"},
		{"echo x | grep -E '(' | cat", Failed, "grep -E ( ended with status"},
	} {
		res := here(t, c.code, host)
		said := res.Why
		if c.want == Done {
			said = string(res.Output)
		}
		if res.Ended != c.want || !strings.Contains(said, c.says) || strings.Contains(string(res.Output), "broken pipe") || strings.Contains(string(res.Output), "%!") {
			t.Errorf("%s\n\tis %s (%d): %s\n\t%.200q", c.code, res.Ended, res.Exit, res.Why, res.Output)
		}
	}
}
