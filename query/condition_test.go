package query_test

import (
	"testing"

	"muster/query"
)

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		expr, measured, op string
		limit              float64
	}{
		{"up == 0", "up", "==", 0},
		{`up{job="a"}==0`, `up{job="a"}`, "==", 0},
		{"sum(rate(x{code=~\"5..\"}[5m]))\n / sum(rate(x[5m]))  >\n 0.05", "sum(rate(x{code=~\"5..\"}[5m]))\n / sum(rate(x[5m]))", ">", 0.05},
		{"x <= -1.5e3", "x", "<=", -1500},
		{"x > bool 5", "x", ">", 5},
		{"(a > 3) != 2", "(a > 3)", "!=", 2},
		{`x{a="> 3 and \" }"} < 2`, `x{a="> 3 and \" }"}`, "<", 2},
		{"band > 1", "band", ">", 1},
	} {
		measured, op, limit, ok := query.Condition(c.expr)
		if !ok || measured != c.measured || op != c.op || limit != c.limit {
			t.Errorf("%q: %q %q %v %v", c.expr, measured, op, limit, ok)
		}
	}
	for _, expr := range []string{"", "up", "absent(up)", "a > 1 and b > 2", "a > 1 > 2", "a > b", "3 > x", "a unless b > 2", "a) > 2", `a{x="} > 2`, "a > 1e999", "up # > 5", "> 3", "a offset 5m or b == 1"} {
		if measured, op, limit, ok := query.Condition(expr); ok {
			t.Errorf("%q passes as %q %q %v", expr, measured, op, limit)
		}
	}
}
