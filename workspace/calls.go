package workspace

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Call is one call of the app: a Web API method, a response_url ("response_url") or an upload ("upload").
type Call struct {
	Method string
	At     time.Time         // the real clock, when it was answered
	Args   map[string]string // without the token
	Status int               // of HTTP
	OK     bool
	Error  string // Slack's code; empty when OK
}

// keepCalls is how many calls are remembered.
const keepCalls = 20_000

type callBook struct {
	mu      sync.Mutex
	counts  map[string]int
	log     []Call
	refused int
	lost    int
}

func (b *callBook) init() { b.counts = map[string]int{} }

func (w *Workspace) noteCall(c Call) {
	c.At = time.Now()
	if c.OK {
		c.Error = ""
	}
	b := &w.calls
	b.mu.Lock()
	b.counts[c.Method]++
	b.log = append(b.log, c)
	if len(b.log) > keepCalls {
		b.log = slices.Delete(b.log, 0, keepCalls/10)
	}
	b.mu.Unlock()
	if w.cfg.OnCall != nil {
		w.cfg.OnCall(c)
	}
}

// Calls counts the app's calls by method.
func (w *Workspace) Calls() map[string]int {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	return maps.Clone(w.calls.counts)
}

// CallLog gives the app's calls in order, oldest first; only the newest 20,000 are kept.
func (w *Workspace) CallLog() []Call {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	return slices.Clone(w.calls.log)
}

// RefusedAcks counts acknowledgements that were refused because their payload was 20 KB or more.
func (w *Workspace) RefusedAcks() int {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	return w.calls.refused
}

// LostEvents counts events that the app never acknowledged, all redeliveries included.
func (w *Workspace) LostEvents() int {
	w.calls.mu.Lock()
	defer w.calls.mu.Unlock()
	return w.calls.lost
}

func (b *callBook) refuseAck() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused++
}

func (b *callBook) lostEvent() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost++
}

// Sockets is the number of Socket Mode connections that the app has open.
func (w *Workspace) Sockets() int { return w.sockets.count() }
