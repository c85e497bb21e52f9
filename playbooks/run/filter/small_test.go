package filter

import "testing"

// Each filter answers as the system's own does, or says plainly what it cannot do; status -1 is an error or a refusal,
// and want is then what it says.
func TestSmallFilters(t *testing.T) {
	for _, c := range []struct {
		name   string
		in     string
		args   []string
		want   string
		status int
	}{
		{"half a class is plain characters", "[a]:\n", []string{"tr", "[:]", "x"}, "xaxx\n", 0},
		{"a class without a name", "a\n", []string{"tr", "[::]", "x"}, `there is no class ""`, -1},
		{"a class without an end", "[:a\n", []string{"tr", "[:a", "x"}, "xxx\n", 0},
	} {
		if got, status := filtered(t, c.in, c.args...); got != c.want || status != c.status {
			t.Errorf("%s: %q prints %q with %d, not %q with %d", c.name, c.args, got, status, c.want, c.status)
		}
	}
}
