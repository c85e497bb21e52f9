package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"muster/incident"
)

// watchQueries reads what is looked at after an incident.
func (r *reader) watchQueries(v *value, what string) []incident.WatchQuery {
	out := []incident.WatchQuery{}
	for i, item := range r.list(v, what) {
		what := fmt.Sprintf("query %d of %s", i+1, what)
		item, ok := r.object(item, what, "name", "expr", "unit", "limit")
		if !ok {
			continue
		}
		var q incident.WatchQuery
		if f := r.need(item, what, "expr", "the PromQL that is asked, such as expr: 'sum(rate(http_requests_total{status=~\"5..\"}[5m]))'"); f != nil {
			q.Expr, _ = r.text(f, "expr of "+what)
		}
		if f := r.need(item, what, "name", "what people call it, such as name: error rate"); f != nil {
			q.Name, _ = r.text(f, "name of "+what)
		}
		if f := item.get("unit"); f != nil {
			q.Unit, _ = r.text(f, "unit of "+what)
		}
		if f := item.get("limit"); f != nil {
			q.Op, q.Limit = r.limit(f, "limit of "+what)
		}
		if q.Name != "" && q.Expr != "" {
			out = append(out, q)
		}
	}
	return out
}

// limit reads "0.05" and "< 100": the value beyond which it is a regression.
func (r *reader) limit(v *value, what string) (op string, limit *float64) {
	text := strings.TrimSpace(v.text)
	for _, known := range []string{">=", "<=", "==", "!=", ">", "<"} {
		if rest, ok := strings.CutPrefix(text, known); ok {
			op, text = known, strings.TrimSpace(rest)
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if v.kind != yaml.ScalarNode || err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		r.wrong(v, what, "a number, with < in front where less is worse")
		return "", nil
	}
	return op, &n
}
