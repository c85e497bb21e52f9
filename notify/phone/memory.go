package phone

import (
	"sync"
	"time"

	"muster/notify"
)

// remembered is how long a call is known.
const remembered = 24 * time.Hour

// A request without an answer can still have its effect later: a call is
// looked for until then, and only afterwards made again. A request that was
// answered with an error is over; Twilio's lists need a moment to show a call.
const (
	settleSilent   = 35 * time.Second // since the request began
	settleAnswered = 3 * time.Second  // since the answer
)

// memory is what this process knows of its calls, by delivery.
type memory struct {
	mu      sync.Mutex
	calls   map[string]call
	owner   map[string]string // call SID → delivery
	placing map[string]int    // number → requests under way
	people  map[string]called // number → who was called there last
	next    time.Time         // of the next clearing
}

// call is one delivery's.
type call struct {
	sid     string // empty: not known
	settles time.Time
	at      time.Time
}

// called is the last page to a number.
type called struct {
	page page
	at   time.Time
}

func newMemory() *memory {
	return &memory{calls: map[string]call{}, owner: map[string]string{}, placing: map[string]int{}, people: map[string]called{}}
}

// call gives the SID of a delivery's call; empty: not known.
func (m *memory) call(delivery string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[short(delivery)].sid
}

// doubtful tells whether a request for the delivery had no clear answer.
func (m *memory) doubtful(delivery string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.calls[short(delivery)].settles.IsZero()
}

// unsettled tells how long a call for the delivery can still appear; zero: not
// any more.
func (m *memory) unsettled(delivery string) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(0, time.Until(m.calls[short(delivery)].settles))
}

// begin marks a request for a call as under way; done says what came of it.
func (m *memory) begin(delivery, number string) (done func(sid string, f *failure)) {
	started := time.Now()
	m.mu.Lock()
	m.placing[number]++
	m.mu.Unlock()
	return func(sid string, f *failure) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.placing[number]--; m.placing[number] == 0 {
			delete(m.placing, number)
		}
		now := time.Now()
		m.forget(now)
		c := call{sid: sid, at: now}
		switch {
		case f == nil:
			m.owner[sid] = short(delivery)
		case f.Kind != notify.Unclear:
			return
		case f.Status != 0:
			c.settles = now.Add(settleAnswered)
		default:
			c.settles = started.Add(settleSilent)
		}
		if known := m.calls[short(delivery)]; known.sid == "" { // a callback may have been first
			m.calls[short(delivery)] = c
		}
	}
}

// busy tells whether somebody else's request to the number is under way.
func (m *memory) busy(number string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.placing[number] > 0
}

// claim gives a call to the delivery with the short name, unless it is
// another's.
func (m *memory) claim(name, sid string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if owner, taken := m.owner[sid]; sid == "" || taken && owner != name {
		return false
	}
	m.owner[sid] = name
	m.calls[name] = call{sid: sid, at: time.Now()}
	return true
}

// met remembers who is paged at a number.
func (m *memory) met(number string, p page) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.people[number] = called{page: p, at: time.Now()}
}

// last gives the newest page to a number.
func (m *memory) last(number string) (page, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.people[number]
	return c.page, ok && time.Since(c.at) <= remembered
}

func (m *memory) forget(now time.Time) {
	if now.Before(m.next) {
		return
	}
	m.next = now.Add(time.Hour)
	for name, c := range m.calls {
		if now.Sub(c.at) > remembered {
			delete(m.calls, name)
			delete(m.owner, c.sid)
		}
	}
	for number, c := range m.people {
		if now.Sub(c.at) > remembered {
			delete(m.people, number)
		}
	}
}
