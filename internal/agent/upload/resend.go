package upload

import (
	"fmt"
	"sync"

	"headroom/internal/agent/spool"
)

// A Resender gives back to a hub what it has lost: a hub that was restored from
// a backup does not know what it acknowledged since. The zero Resender is ready;
// its methods may be called from several goroutines.
type Resender struct {
	mu       sync.Mutex
	answered map[string]uint64 // what the hub said of an epoch when batches were sent again
}

// Resend makes batches wait again that the hub lacks and the spool still keeps,
// and returns how many there are in each epoch. epochs are those that the spool
// knew before the hub was asked, complete is what it said
// (wire.PollAnswer.Complete): of an epoch that it does not name it has nothing.
func (r *Resender) Resend(sp *spool.Spool, epochs []string, complete map[string]uint64) (map[string]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	again := map[string]int{}
	for _, epoch := range epochs {
		from := max(complete[epoch], 1)
		if last, ok := r.answered[epoch]; ok && last == from {
			continue // a hole that stays: what could fill it was sent, the rest is gone
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
			r.answered = map[string]uint64{}
		}
		r.answered[epoch], again[epoch] = from, n
	}
	return again, nil
}

// Forget forgets what was answered: another hub asks.
func (r *Resender) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered = nil
}
