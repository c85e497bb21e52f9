package app

import (
	"math"
	"sync"
	"time"
)

// clock is the demo's: it runs speed times as fast as the wall's.
type clock struct {
	mu    sync.Mutex
	base  time.Time // shown at since
	since time.Time // wall, with its monotonic reading
	speed float64
}

func newClock(speed float64) *clock {
	now := time.Now()
	return &clock{base: now.Round(0), since: now, speed: speed}
}

// notBefore sets the clock forward to a moment that it has shown before: a
// faster clock of an earlier run was ahead of the wall.
func (c *clock) notBefore(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at(time.Now()).Before(t) {
		c.base, c.since = t.Round(0), time.Now()
	}
}

// Now is the demo's time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(time.Now())
}

func (c *clock) at(wall time.Time) time.Time {
	return c.base.Add(time.Duration(float64(wall.Sub(c.since)) * c.speed))
}

// Until is how long to wait, on the wall, for a moment of the demo's time. It
// is never zero for one that is still to come.
func (c *clock) Until(t time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Duration(math.Ceil(float64(t.Sub(c.at(time.Now()))) / c.speed))
}

// Speed is how fast the demo's clock runs.
func (c *clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// SetSpeed changes it from now on; time never jumps.
func (c *clock) SetSpeed(speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.base, c.since, c.speed = c.at(now), now, speed
}
