package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/incident"
	"muster/query"
)

// TestTheWorstLinesAreDrawn: of nine series those that are over the limit now,
// then those that were the highest.
func TestTheWorstLinesAreDrawn(t *testing.T) {
	to := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	series := func(pod string, was, is float64) string {
		return fmt.Sprintf(`{"metric":{"pod":%q},"values":[[%d,"%v"],[%d,"%v"]]}`, pod, to.Add(-time.Hour).Unix(), was, to.Unix(), is)
	}
	all := []string{`{"metric":{"pod":"none"},"values":[]}`, series("high", 0.9, 0.01), series("late", 0.01, 0.06)}
	for i := range 6 {
		all = append([]string{series(fmt.Sprint("calm ", i), 0.001*float64(i), 0.001)}, all...)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`+strings.Join(all, ",")+`]}}`)
	}))
	defer server.Close()
	p := &Program{}
	var err error
	if p.sources.prometheus, err = query.NewPrometheus(query.Config{URL: server.URL}); err != nil {
		t.Fatal(err)
	}
	limit := 0.05
	c, ok, err := p.measured(t.Context(), incident.WatchQuery{Name: "error rate", Expr: "errors", Unit: "ratio", Limit: &limit}, to.Add(-2*time.Hour), to, chartStep)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	var names []string
	for _, l := range c.Lines {
		names = append(names, l.Name)
	}
	if want := []string{"late", "high", "calm 5", "calm 4", "calm 3"}; !slices.Equal(names, want) || c.Unit != "%" || *c.Threshold != 5 || c.Lines[1].Points[0].V != 90 {
		t.Errorf("drawn %q with limit %v %s, want %q", names, *c.Threshold, c.Unit, want)
	}
}
