package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"headroom/internal/hub/ingest"
	"headroom/internal/hub/retention"
)

// putAll puts batches in a transaction and returns what became of each. Locks
// are taken in one order by every hub process: servers, batches, epochs. Only
// an epoch that is new comes before its first batch, which needs its number:
// two processes that make some may then lose against each other, and tx runs
// one of them again.
func putAll(ctx context.Context, tx handle, batches []*ingest.Batch) ([]ingest.Outcome, error) {
	order := make([]int, len(batches))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := batches[i], batches[j]
		return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Agent, b.Agent),
			cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Seq, b.Seq), cmp.Compare(i, j))
	})
	servers := map[serverKey]*serverState{}
	for _, i := range order {
		k := serverKey{batches[i].Org, batches[i].Server}
		if _, ok := servers[k]; ok {
			continue
		}
		s, err := lockServer(ctx, tx, k)
		if err != nil {
			return nil, fmt.Errorf("license server %s: %w", k.guid, err)
		}
		servers[k] = s
	}
	outcomes := make([]ingest.Outcome, len(batches))
	arrived := map[epochKey][]int64{}
	numbers := epochs{}
	for _, i := range order {
		b := batches[i]
		s := servers[serverKey{b.Org, b.Server}]
		outcome, err := putOne(ctx, tx, s, numbers, b)
		if err != nil {
			return nil, fmt.Errorf("batch %s/%d of agent %d/%d: %w", b.Epoch, b.Seq, b.Org, b.Agent, err)
		}
		if outcomes[i] = outcome; outcome == ingest.Stored || outcome == ingest.Discarded {
			note(arrived, b)
		}
	}
	if err := saveAll(ctx, tx, servers); err != nil {
		return nil, err
	}
	return outcomes, advanceAll(ctx, tx, numbers, arrived)
}

// putOne decides about a batch and, where it is new, adds it to the state of
// its server, which is nil for a server that the organisation does not have.
func putOne(ctx context.Context, tx handle, s *serverState, numbers epochs, b *ingest.Batch) (ingest.Outcome, error) {
	if s == nil || s.agent != b.Agent || s.registered == 0 {
		return ingest.NoServer, nil
	}
	epoch, err := numbers.of(ctx, tx, epochKey{b.Org, b.Agent, b.Epoch})
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO batch (org_id, agent_id, epoch_id, seq, hash, received, server_id, records, unknown)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (org_id, agent_id, epoch_id, seq) DO NOTHING`,
		b.Org, b.Agent, epoch, int64(b.Seq), b.Hash, stamp(b.Received), s.id, b.Records, b.Unknown)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		hash, err := batchHash(ctx, tx, b.Org, b.Agent, b.Epoch, b.Seq)
		switch {
		case err != nil:
			return 0, err
		case bytes.Equal(hash, b.Hash):
			return ingest.Known, nil
		}
		return ingest.Forked, nil
	}
	for _, gone := range b.Gone {
		epoch, err := numbers.of(ctx, tx, epochKey{b.Org, b.Agent, gone.Epoch})
		if err != nil {
			return 0, err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO replaced (org_id, agent_id, epoch_id, seq) VALUES ($1, $2, $3, $4)
			ON CONFLICT (org_id, agent_id, epoch_id, seq) DO NOTHING`, b.Org, b.Agent, epoch, int64(gone.Seq))
		if err != nil {
			return 0, err
		}
	}
	if s.removed != 0 {
		return ingest.Discarded, nil
	}
	if since := s.since(b); since != 0 {
		var none bool
		if b, none = b.Since(since); none {
			return ingest.Discarded, nil
		}
	}
	return ingest.Stored, s.add(ctx, tx, b)
}

// since returns the instant before which nothing of a batch is kept, in Unix seconds: it
// was deleted, or its organisation does not keep it as long. 0: all is kept.
func (s *serverState) since(b *ingest.Batch) int64 {
	since := (s.erased + 999) / 1000
	if s.keepDays != 0 {
		since = max(since, retention.Instant(retention.Cutoff(b.Received, s.keepDays)).Unix())
	}
	return since
}

// A querier is a handle or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// batchHash returns the hash of a batch, nil where there is none.
func batchHash(ctx context.Context, q querier, org, agent int64, epoch string, seq uint64) (hash []byte, err error) {
	err = q.QueryRowContext(ctx, `
		SELECT hash FROM batch WHERE org_id = $1 AND agent_id = $2 AND seq = $4
		AND epoch_id = (SELECT epoch_id FROM epoch WHERE org_id = $1 AND agent_id = $2 AND epoch = $3)`,
		org, agent, epoch, int64(seq)).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return hash, err
}

// BatchHash implements ingest.Store.
func (db *DB) BatchHash(ctx context.Context, org, agent int64, epoch string, seq uint64) ([]byte, error) {
	hash, err := batchHash(ctx, db.read, org, agent, epoch, seq)
	if err != nil {
		return nil, fmt.Errorf("look up batch %s/%d of agent %d/%d: %w", epoch, seq, org, agent, err)
	}
	return hash, nil
}
