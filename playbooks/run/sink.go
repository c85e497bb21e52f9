package run

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"muster/playbooks/run/mask"
)

// sink collects what a step prints and sends it on as it comes, masked. Of more than its limit it keeps the beginning
// and the end.
type sink struct {
	mu      sync.Mutex
	max     int    // bytes that are kept
	raw     []byte // the first max bytes
	tail    []byte // when there were more, the last ones, and some before them
	total   int
	sent    int // bytes of raw that have left in frames
	last    time.Time
	over    bool
	quiet   bool // nothing leaves before the end
	stop    func()
	frames  *framer
	secrets *mask.Secrets
}

const (
	// sendEvery is how often output leaves before the end.
	sendEvery = 500 * time.Millisecond
	// endless is how many times what is kept a step may print before it is ended.
	endless = 4
	// edge is what is read beyond a cut, in bytes, so that a secret across it is masked as a whole and not shown in part.
	edge = 16 << 10
	// lineRoom is what the line about the cut may take.
	lineRoom = 128
)

func newSink(limit int, f *framer, stop func()) *sink {
	return &sink{max: limit, frames: f, stop: stop, secrets: mask.New()}
}

// begins and ends are how much of the beginning and of the end is kept when not all is, with what is read beyond the cut.
func (s *sink) begins() int { return s.max - s.max/4 + s.edge() }
func (s *sink) ends() int   { return s.max/4 + s.edge() }
func (s *sink) edge() int   { return min(edge, s.max/8) }

// Write takes output. Far beyond the limit it ends the step.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, errOutput
	}
	s.total += len(p)
	room := s.max - len(s.raw)
	s.raw = append(s.raw, p[:min(len(p), room)]...)
	if len(p) > room {
		if s.tail == nil {
			s.tail = append(s.tail, s.raw[max(0, len(s.raw)-s.ends()):]...)
		}
		s.tail = append(s.tail, p[room:]...)
		if len(s.tail) > 2*s.ends() {
			s.tail = append(s.tail[:0], s.tail[len(s.tail)-s.ends():]...)
		}
	}
	if s.total > endless*s.max {
		s.over = true
		s.stop()
		return len(p), errOutput
	}
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

// whole is the output, masked: all of it, or its beginning and its end with a line between them that says so.
func (s *sink) whole() (text []byte, truncated bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total <= s.max {
		return s.masked(s.raw), false
	}
	head := s.masked(s.raw[:min(s.begins(), len(s.raw))])
	head = head[:max(0, min(len(head)-s.edge(), s.max-s.max/4-lineRoom))]
	if i := bytes.LastIndexByte(head, '\n'); i > len(head)/2 {
		head = head[:i]
	}
	tail := s.masked(s.tail[max(0, len(s.tail)-s.ends()):])
	tail = tail[min(len(tail), max(s.edge(), len(tail)-s.max/4)):]
	if i := bytes.IndexByte(tail, '\n'); i >= 0 && i < len(tail)/2 {
		tail = tail[i+1:]
	}
	out := fmt.Appendf(bytes.ToValidUTF8(head, nil), "\n… about %d KiB are left out here …\n", max(1, (s.total-len(head)-len(tail))>>10))
	return append(out, bytes.ToValidUTF8(tail, nil)...), true
}

func (s *sink) masked(raw []byte) []byte {
	return []byte(s.secrets.Mask(string(bytes.ToValidUTF8(raw, []byte("�")))))
}

func (s *sink) mask(text string) string { return s.secrets.Mask(text) }
