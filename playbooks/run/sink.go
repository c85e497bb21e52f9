package run

import (
	"bytes"
	"sync"
	"time"

	"muster/playbooks/run/mask"
)

// sink collects what a step prints, bounded, and sends it on as it comes, masked.
type sink struct {
	mu      sync.Mutex
	max     int
	raw     []byte
	sent    int // bytes of raw that have left in frames
	last    time.Time
	over    bool
	quiet   bool // nothing leaves before the end
	stop    func()
	frames  *framer
	secrets *mask.Secrets
}

// sendEvery is how often output leaves before the end.
const sendEvery = 500 * time.Millisecond

func newSink(limit int, f *framer, stop func()) *sink {
	return &sink{max: limit, frames: f, stop: stop, secrets: mask.New()}
}

// Write takes output. Beyond the limit it ends the step.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, errOutput
	}
	if n := s.max - len(s.raw); len(p) > n {
		s.raw = append(s.raw, p[:n]...)
		s.over = true
		s.stop()
		return n, errOutput
	}
	s.raw = append(s.raw, p...)
	if now := time.Now(); !s.quiet && now.Sub(s.last) >= sendEvery {
		s.last = now
		if end := bytes.LastIndexByte(s.raw[s.sent:], '\n') + 1; end > 0 {
			s.frames.send(frame{Output: []byte(s.secrets.Mask(string(s.raw[s.sent : s.sent+end])))})
			s.sent += end
		}
	}
	return len(p), nil
}

func (s *sink) overflowed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// whole is all the output, masked as one text.
func (s *sink) whole() (text []byte, truncated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.secrets.Mask(string(bytes.ToValidUTF8(s.raw, []byte("�"))))), s.over
}

func (s *sink) mask(text string) string { return s.secrets.Mask(text) }
