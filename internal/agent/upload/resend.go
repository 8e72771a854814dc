package upload

import (
	"fmt"
	"sync"
	"time"

	"headroom/internal/agent/spool"
)

// sameAgain is for how long the same answer of a hub is not answered once more; it
// doubles each time. A hole may stay for ever: what could fill it is not kept any
// more, and all that came after it would be sent at every poll. But a hub may also
// have lost the same twice, restored from one backup a second time.
const sameAgain = 24 * time.Hour

// A Resender gives back to a hub what it has lost: a hub that was restored from
// a backup does not know what it acknowledged since. Now must be set; methods
// may be called from several goroutines.
type Resender struct {
	Now func() time.Time

	mu       sync.Mutex
	answered map[string]answered // by epoch
}

// answered is what a hub said of an epoch when batches were sent again.
type answered struct {
	complete uint64
	at       time.Time
	wait     time.Duration // until the same is answered again
}

// Resend makes batches wait again that the hub lacks and the spool still keeps,
// and returns how many there are in each epoch. epochs are those that the spool
// knew before the hub was asked, complete is what it said
// (wire.PollAnswer.Complete): of an epoch that it does not name it has nothing.
func (r *Resender) Resend(sp *spool.Spool, epochs []string, complete map[string]uint64) (map[string]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.Now()
	again := map[string]int{}
	for _, epoch := range epochs {
		from := max(complete[epoch], 1)
		last, ok := r.answered[epoch]
		same := ok && last.complete == from
		if same && now.Sub(last.at).Abs() < last.wait {
			continue
		}
		n, err := sp.Resend(epoch, from)
		if err != nil {
			return again, fmt.Errorf("send again what the hub has lost: %w", err)
		}
		delete(r.answered, epoch)
		if n == 0 {
			continue
		}
		if r.answered == nil {
			r.answered = map[string]answered{}
		}
		wait := sameAgain
		if same {
			wait = 2 * last.wait
		}
		r.answered[epoch], again[epoch] = answered{from, now, wait}, n
	}
	return again, nil
}

// Forget forgets what was answered: another hub asks.
func (r *Resender) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered = nil
}
