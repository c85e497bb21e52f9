package app

import "testing"

// What the shell gave as one word stays one in the text, and the value of a key
// stays its value.
func TestWordsOfTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"ack", "INC-1"}, `ack INC-1`},
		{[]string{"create P1 all in one"}, `create P1 all in one`},
		{[]string{"create", "P1", "API is down"}, `create P1 "API is down"`},
		{[]string{"resolve", "bad deploy", "fix=rolled back", "postmortem=none"}, `resolve "bad deploy" fix="rolled back" postmortem=none`},
		{[]string{"resolve", "x", `cause=the "new" one`}, `resolve x cause="the 'new' one"`},
		{[]string{"stats", "--since=90 days"}, `stats --since="90 days"`},
		{[]string{"note", "2 = 3, they say"}, `note "2 = 3, they say"`},
	} {
		if got := quoteWords(c.words); got != c.want {
			t.Errorf("%q became %s, want %s", c.words, got, c.want)
		}
	}
}
