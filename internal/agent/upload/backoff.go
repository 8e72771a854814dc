package upload

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Bounds of a Backoff.
const (
	firstWait = time.Second
	maxWait   = 15 * time.Minute
)

// A Backoff says how long to wait after failures in a row. The zero Backoff
// has seen none.
type Backoff struct{ failures int }

// Next counts a failure and returns how long to wait: at least as long as the
// hub has asked for, else anything up to a bound that doubles from 1 second to
// 15 minutes, so that many agents do not come back at once.
func (b *Backoff) Next(err error) time.Duration {
	bound := maxWait
	if b.failures < 10 {
		bound = min(maxWait, firstWait<<b.failures)
	}
	b.failures++
	jitter := time.Duration(rand.Int64N(int64(bound)) + 1)
	if r, ok := errors.AsType[*Refusal](err); ok && r.After > 0 {
		return r.After + min(jitter, r.After/4)
	}
	return jitter
}

// Reset forgets the failures.
func (b *Backoff) Reset() { b.failures = 0 }
