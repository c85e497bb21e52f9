package pagerduty

import (
	"net/http"
	"strings"
	"time"
)

// Fault makes requests go wrong. The zero value answers every request with
// HTTP 500, for ever.
type Fault struct {
	// Method and Path say which requests: the path's beginning, such as
	// "/incidents"; empty: all.
	Method, Path string
	Times        int // how many requests; 0: all until Heal
	// Delay is waited before the answer. Done: the request is carried out.
	Delay time.Duration
	Done  bool
	// Swallow answers with success and does nothing.
	Swallow bool
	// Cut breaks the connection instead of answering.
	Cut bool
	// Slow is only slow: the request is carried out and answered.
	Slow   bool
	Status int // HTTP status; 0: 500
	Code   int // PagerDuty's error code; 0: none
	Header map[string]string
}

// Break adds a fault; the first that fits a request applies.
func (p *PagerDuty) Break(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
}

// Heal removes all faults.
func (p *PagerDuty) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// fault takes the fault for a request; nil: it goes well.
func (p *PagerDuty) fault(r *http.Request) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, f := range p.faults {
		if (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.Path) {
			taken := *f
			if f.Times == 1 {
				p.faults = append(p.faults[:i:i], p.faults[i+1:]...)
			} else if f.Times > 1 {
				f.Times--
			}
			return &taken
		}
	}
	return nil
}

// spoil answers a request with a fault. Its error text holds an address and a
// number, as PagerDuty's may.
func (p *PagerDuty) spoil(w http.ResponseWriter, r *http.Request, f *Fault, carryOut func(http.ResponseWriter)) {
	if f.Done {
		carryOut(nowhere{})
	}
	if f.Delay > 0 {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(f.Delay):
		}
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Slow:
		carryOut(w)
	case f.Swallow && r.URL.Path == "/v2/enqueue":
		reply(w, http.StatusAccepted, map[string]string{"status": "success", "message": "Event processed"})
	case f.Swallow && r.URL.Path == "/incidents" && r.Method == http.MethodPost:
		reply(w, http.StatusCreated, map[string]any{"incident": map[string]string{"id": "Q9999999", "type": "incident", "status": triggered}})
	case f.Swallow:
		reply(w, http.StatusOK, map[string]any{})
	default:
		status := f.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		apiError{status, f.Code, "Something is wrong with alice@example.com and +12025550101"}.write(w)
	}
}

// nowhere takes an answer that is lost.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
