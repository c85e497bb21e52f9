package app

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"

	"muster/bot/render"
	"muster/playbooks/run"
)

// keptRows is how many rows of a table are asked for, all of which the evidence
// keeps; a person is shown the first of them.
const keptRows = 10_000

// tableText lays a table out in columns, for people to read: cut tells that
// cells are shortened or rows left out.
func tableText(t run.Table) (text string, cut bool) {
	const widest = 60
	shown := t.Rows[:min(len(t.Rows), run.DefaultMaxRows)]
	cut = len(shown) < len(t.Rows)
	widths := make([]int, len(t.Columns))
	rows := append([][]string{t.Columns}, shown...)
	cell := func(text string) string {
		short := render.Cut(strings.Join(strings.Fields(text), " "), widest)
		cut = cut || short != text
		return short
	}
	for _, row := range rows {
		for i, c := range row {
			if i < len(widths) {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell(c)))
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, c := range row {
			if i < len(widths) {
				c = cell(c)
				line += c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2)
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	fmt.Fprintf(&b, "(%d %s", len(t.Rows), map[bool]string{true: "row", false: "rows"}[len(t.Rows) == 1])
	switch {
	case len(shown) < len(t.Rows) && t.More:
		fmt.Fprintf(&b, ", and there are more; these are the first %d", len(shown))
	case len(shown) < len(t.Rows):
		fmt.Fprintf(&b, "; these are the first %d", len(shown))
	case t.More:
		b.WriteString(", and there are more")
	}
	return b.String() + ")", cut
}

// tableSheet is a table whole, as CSV.
func tableSheet(t run.Table) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(t.Columns) // a buffer takes everything
	_ = w.WriteAll(t.Rows)
	return b.Bytes()
}
