package demo

import (
	"sync"
	"time"
)

// A clock is the time of the demo's hub and agents: it is set to the past
// while the past is told, and then runs from the demo's present on.
type clock struct {
	mu   sync.Mutex
	base time.Time
	real time.Time // when base was set
}

// Now returns the demo's time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(time.Since(c.real))
}

// Set lets the demo's time go on from t.
func (c *clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.real = t.UTC(), time.Now()
}

// ahead returns how far the demo's time is ahead of this machine's.
func (c *clock) ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Sub(c.real)
}
