package store

import (
	"context"
	"database/sql"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/ingest"
)

const (
	commitTime    = time.Minute // until its batches are told to come again
	commitBatches = 64          // that share a commit at most
	waitingValues = 4_000_000   // of all batches that wait: half a gigabyte
)

// A group is the batches that wait for a commit. A commit waits for the disk:
// the batches that come meanwhile share the next one. Whoever finds nobody
// committing does it for all that wait.
type group struct {
	waiting chan *waiter
	values  atomic.Int64  // of the batches that wait or are being committed
	leader  chan struct{} // holds one while somebody commits
	parsed  parsed        // for the leader
}

// A waiter is a batch that waits and what became of it.
type waiter struct {
	batch *ingest.Batch
	done  chan verdict // has room for it
}

type verdict struct {
	outcome ingest.Outcome
	err     error
}

func newGroup(size int) *group {
	return &group{waiting: make(chan *waiter, size), leader: make(chan struct{}, 1), parsed: parsed{}}
}

// join lets a batch wait, unless too much waits already. A single batch may
// always wait, however large.
func (g *group) join(w *waiter) bool {
	n := int64(w.batch.Values)
	if all := g.values.Add(n); all > waitingValues && all > n {
		g.values.Add(-n)
		return false
	}
	select {
	case g.waiting <- w:
		return true
	default:
		g.values.Add(-n)
		return false
	}
}

// answer tells a waiter what became of its batch.
func (g *group) answer(w *waiter, v verdict) {
	g.values.Add(-int64(w.batch.Values))
	w.done <- v
}

// PutBatch implements ingest.Store. A caller whose context ends does not learn
// what became of its batch; it may still be kept.
func (db *DB) PutBatch(ctx context.Context, b *ingest.Batch) (ingest.Outcome, error) {
	w := &waiter{batch: b, done: make(chan verdict, 1)}
	if !db.group.join(w) {
		return 0, &fault.Error{Kind: fault.Unavailable, After: 5 * time.Second, Msg: "too many batches wait for the disk; send this one again later"}
	}
	for {
		select {
		case v := <-w.done:
			return v.outcome, v.err
		case db.group.leader <- struct{}{}:
			db.commitWaiting(ctx)
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// commitWaiting commits the batches that wait now. They are several callers':
// that the context of one of them ends must not end the commit.
func (db *DB) commitWaiting(ctx context.Context) {
	defer func() { <-db.group.leader }()
	var all []*waiter
	for range min(len(db.group.waiting), commitBatches) {
		all = append(all, <-db.group.waiting) // only the leader takes
	}
	db.commit(context.WithoutCancel(ctx), all)
}

// commit puts batches in one transaction. If that fails, each is put alone:
// the one that cannot be kept must not fail its neighbours.
func (db *DB) commit(ctx context.Context, all []*waiter) {
	outcomes, err := db.putBatches(ctx, all)
	for i, w := range all {
		switch {
		case err == nil:
			db.group.answer(w, verdict{outcome: outcomes[i]})
		case len(all) == 1:
			db.group.answer(w, verdict{err: err})
		default:
			db.commit(ctx, all[i:i+1])
		}
	}
}

// putBatches puts batches in one transaction and returns their outcomes. A
// panic becomes an error: the other callers would wait for ever.
func (db *DB) putBatches(ctx context.Context, all []*waiter) (outcomes []ingest.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("keep batches: panic: %v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	batches := make([]*ingest.Batch, len(all))
	for i, w := range all {
		batches[i] = w.batch
	}
	t := &parsedTx{parsed: db.group.parsed}
	err = db.tx(ctx, func(tx *sql.Tx) error {
		t.Tx = tx
		outcomes, err = putAll(ctx, t, batches)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("keep %d batches: %w", len(all), err)
	}
	if db.parses {
		db.group.parsed.learn(ctx, db.write, t)
	}
	return outcomes, nil
}
