package twilio

import (
	"strings"
	"time"
)

// Faults is what goes wrong with requests to the API. The zero value: nothing.
type Faults struct {
	// Method limits the faults to requests of one HTTP method; empty: all.
	Method string
	// Path limits them to addresses that end so; empty: all.
	Path string
	// Times is how many requests they hit; zero: all until they change.
	Times int
	// Status answers with this HTTP status and nothing is done; zero: not. Code
	// is Twilio's number in the answer, RetryAfter the header of that name.
	Status     int
	Code       int
	RetryAfter string
	// LoseAnswer does what is asked and then cuts the connection.
	LoseAnswer bool
	// Slow waits before anything is done.
	Slow time.Duration
	// DropCalls takes calls and then fails them before they ring.
	DropCalls bool
}

// SetFaults replaces the faults.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// fault gives what goes wrong with one request.
func (s *Server) fault(method, path string) Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.faults
	if f.Method != "" && f.Method != method || !strings.HasSuffix(path, f.Path) {
		return Faults{}
	}
	if f.Times > 0 {
		if s.faults.Times--; s.faults.Times == 0 {
			s.faults = Faults{DropCalls: f.DropCalls}
		}
	}
	return f
}
