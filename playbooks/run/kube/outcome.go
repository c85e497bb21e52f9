package kube

import (
	"encoding/json"
	"slices"
	"strings"
)

// Outcome is what a step did to the cluster, or would do.
type Outcome struct {
	Objects    []Object
	Diff       string
	Disruption []string
	Remarks    []string
	Journal    json.RawMessage // nil: nothing was changed
	// UndoNote says what undoing would do; a preview says it too.
	UndoNote string
}

// Outcome collects what the gate saw.
func (c *Cluster) Outcome() Outcome {
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	o := Outcome{
		Objects: slices.Clone(g.objects), Diff: strings.Join(g.diffs, "\n"),
		Disruption: slices.Clone(g.pods.lines), Remarks: slices.Clone(g.remarks),
	}
	if !g.journal.Empty() {
		if g.opts.Mode == Change {
			o.Journal = marshal(g.journal)
		}
		o.UndoNote, _ = g.journal.Plan()
	}
	return o
}
