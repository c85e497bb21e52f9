package workspace

import (
	"net/http"
	"sync"
	"time"
)

// Faults are what can be made to go wrong between the app and the workspace. The zero value is a healthy Slack. People's own
// clients are not affected, so that they can switch the faults off again.
type Faults struct {
	// SlackDown answers HTTP 503 to the app, closes its sockets and refuses new ones.
	SlackDown bool `json:"slack_down"`
	// RateLimitEvery answers 429 to every n-th call of the app. Zero: none.
	RateLimitEvery int `json:"rate_limit_every"`
	// SlowMS delays every answer to the app, in milliseconds.
	SlowMS int `json:"slow_ms"`
	// DoubleEnvelopes sends every envelope twice.
	DoubleEnvelopes bool `json:"double_envelopes"`
	// LoseAnswersEvery posts every n-th message and then drops the connection instead of answering. Zero: none.
	LoseAnswersEvery int `json:"lose_answers_every"`
	// CutEveryMS cuts all sockets at this interval, in milliseconds. Zero: never.
	CutEveryMS int `json:"cut_every_ms"`
}

// faultBook holds the faults and counts for them.
type faultBook struct {
	mu       sync.Mutex
	faults   Faults
	calls    int
	posts    int
	methods  map[string]string
	losing   map[string]int // of a method: how many answers are still to be lost
	cutting  bool           // a goroutine cuts sockets
	rehearse chan struct{}  // wakes it after a change
}

// Faults gives the faults that are switched on.
func (w *Workspace) Faults() Faults {
	w.fault.mu.Lock()
	defer w.fault.mu.Unlock()
	return w.fault.faults
}

// SetFaults switches faults on and off.
func (w *Workspace) SetFaults(f Faults) {
	b := &w.fault
	b.mu.Lock()
	b.faults = f
	start := f.CutEveryMS > 0 && !b.cutting
	if b.rehearse == nil {
		b.rehearse = make(chan struct{}, 1)
	}
	b.cutting = b.cutting || start
	wake := b.rehearse
	b.mu.Unlock()
	if start {
		w.spawn(w.cutAgainAndAgain)
	} else {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	if f.SlackDown {
		w.sockets.cut()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.toPeople(everyone, obj{"type": "faults", "faults": f})
}

// cutAgainAndAgain cuts all sockets at the interval of the fault until it is switched off.
func (w *Workspace) cutAgainAndAgain() {
	for {
		w.fault.mu.Lock()
		every := time.Duration(w.fault.faults.CutEveryMS) * time.Millisecond
		if every <= 0 {
			w.fault.cutting = false
		}
		w.fault.mu.Unlock()
		if every <= 0 {
			return
		}
		timer := time.NewTimer(every)
		select {
		case <-timer.C:
			w.CutSockets()
		case <-w.fault.rehearse:
		case <-w.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// CutSockets ends every Socket Mode connection now, without a word.
func (w *Workspace) CutSockets() { w.sockets.cut() }

// FailMethod lets a method answer the app with a code of Slack's, such as plan_upgrade_required; an empty code ends that.
func (w *Workspace) FailMethod(name, slackCode string) {
	b := &w.fault
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.methods == nil {
		b.methods = map[string]string{}
	}
	b.methods[name] = slackCode
}

// LoseAnswers carries out the next n successful calls of a method by the app and drops the connection instead of answering.
func (w *Workspace) LoseAnswers(name string, n int) {
	b := &w.fault
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.losing == nil {
		b.losing = map[string]int{}
	}
	b.losing[name] = n
}

func (b *faultBook) methodError(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.methods[name]
}

func (b *faultBook) down() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults.SlackDown
}

func (b *faultBook) doubles() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.faults.DoubleEnvelopes
}

// faultBefore does what the faults say before a call of the app is answered; true: it has answered.
func (w *Workspace) faultBefore(rw http.ResponseWriter, r *http.Request, method string) bool {
	b := &w.fault
	b.mu.Lock()
	f := b.faults
	b.calls++
	limited := f.RateLimitEvery > 0 && b.calls%f.RateLimitEvery == 0
	b.mu.Unlock()
	if f.SlowMS > 0 {
		timer := time.NewTimer(time.Duration(f.SlowMS) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		case <-w.ctx.Done():
		}
	}
	switch {
	case w.fault.down():
		w.noteCall(Call{Method: method, Status: http.StatusServiceUnavailable, Error: "service_unavailable"})
		http.Error(rw, "service unavailable", http.StatusServiceUnavailable)
	case limited:
		w.noteCall(Call{Method: method, Status: http.StatusTooManyRequests, Error: "ratelimited"})
		rw.Header().Set("Retry-After", "1")
		writeJSON(rw, http.StatusTooManyRequests, obj{"ok": false, "error": "ratelimited"})
	default:
		return false
	}
	return true
}

// loseAnswer says whether the answer to this successful call is to be lost.
func (w *Workspace) loseAnswer(method string) bool {
	b := &w.fault
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.losing[method] > 0 {
		b.losing[method]--
		return true
	}
	if method != "chat.postMessage" {
		return false
	}
	b.posts++
	return b.faults.LoseAnswersEvery > 0 && b.posts%b.faults.LoseAnswersEvery == 0
}
