package app

import (
	"fmt"
	"strings"
	"testing"

	"muster/playbooks/run"
)

// What is cut for people to read is whole for the evidence.
func TestTablesAreWholeInTheEvidence(t *testing.T) {
	small := run.Table{Columns: []string{"pid", "query"}, Rows: [][]string{{"1", "SELECT 1"}}}
	if text, cut := tableText(small); cut || text != "pid  query\n1    SELECT 1\n(1 row)" {
		t.Errorf("%v %q", cut, text)
	}
	large := run.Table{Columns: []string{"n", "said"}, Rows: [][]string{{"0", strings.Repeat("long ", 30) + "to, the \"end\""}}}
	for n := 1; n <= 2*run.DefaultMaxRows; n++ {
		large.Rows = append(large.Rows, []string{fmt.Sprint(n), "short"})
	}
	text, cut := tableText(large)
	if !cut || strings.Count(text, "\n") != run.DefaultMaxRows+1 || !strings.Contains(text, "the first 200") || strings.Contains(text, "end") {
		t.Errorf("%v %s", cut, text)
	}
	sheet := string(tableSheet(large))
	if !strings.Contains(sheet, `long to, the ""end""`) || !strings.HasSuffix(sheet, "\n400,short\n") {
		t.Errorf("the sheet is %s", sheet)
	}
}
