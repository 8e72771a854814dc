package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"headroom/internal/hub/ingest"
)

// An epochKey names an epoch of an agent.
type epochKey struct {
	org, agent int64
	epoch      string
}

// epochs are the numbers of the epochs of a transaction's batches.
type epochs map[epochKey]int64

// of returns an epoch's number, which is the next one of its agent if the
// epoch is new.
func (e epochs) of(ctx context.Context, tx handle, k epochKey) (number int64, err error) {
	if number, ok := e[k]; ok {
		return number, nil
	}
	for {
		err := tx.QueryRowContext(ctx, `
			SELECT epoch_id FROM epoch WHERE org_id = $1 AND agent_id = $2 AND epoch = $3`, k.org, k.agent, k.epoch).Scan(&number)
		if err == nil {
			e[k] = number
			return number, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("look up epoch %s: %w", k.epoch, err)
		}
		// Another hub process may take the number or make the same epoch: then
		// this waits for its commit and does nothing.
		_, err = tx.ExecContext(ctx, `
			INSERT INTO epoch (org_id, agent_id, epoch, epoch_id, complete)
			SELECT $1, $2, CAST($3 AS TEXT), COALESCE(MAX(epoch_id), 0) + 1, 1 FROM epoch WHERE org_id = $1 AND agent_id = $2
			ON CONFLICT DO NOTHING`, k.org, k.agent, k.epoch)
		if err != nil {
			return 0, fmt.Errorf("number epoch %s: %w", k.epoch, err)
		}
	}
}

// note notes the sequences that are there because of a batch.
func note(arrived map[epochKey][]int64, b *ingest.Batch) {
	for _, id := range append([]ingest.ID{b.ID}, b.Gone...) {
		k := epochKey{b.Org, b.Agent, id.Epoch}
		arrived[k] = append(arrived[k], int64(id.Seq))
	}
}

// advanceAll moves, for each epoch with new sequences, the sequence below
// which nothing is missing.
func advanceAll(ctx context.Context, tx handle, numbers epochs, arrived map[epochKey][]int64) error {
	keys := slices.SortedFunc(maps.Keys(arrived), func(a, b epochKey) int {
		return cmp.Or(cmp.Compare(a.org, b.org), cmp.Compare(a.agent, b.agent), cmp.Compare(a.epoch, b.epoch))
	})
	for _, k := range keys {
		if err := advance(ctx, tx, k, numbers[k], arrived[k]); err != nil {
			return fmt.Errorf("epoch %s of agent %d/%d: %w", k.epoch, k.org, k.agent, err)
		}
	}
	return nil
}

// advance moves an epoch over the sequences that arrived and over those after
// them that are there already. Nearly always one run of sequences arrives, and
// begins with the one that was missing: so the statement that locks the row
// moves it over the first run.
func advance(ctx context.Context, tx handle, k epochKey, number int64, arrived []int64) error {
	slices.Sort(arrived)
	end := arrived[0]
	for _, seq := range arrived {
		if seq == end {
			end++
		}
	}
	var was int64
	err := tx.QueryRowContext(ctx, `
		UPDATE epoch SET complete = CASE WHEN complete >= $4 AND complete < $5 THEN $5 ELSE complete END
		WHERE org_id = $1 AND agent_id = $2 AND epoch = $3
		RETURNING complete`, k.org, k.agent, k.epoch, arrived[0], end).Scan(&was)
	if err != nil {
		return err
	}
	next := was
	for {
		there := slices.Contains(arrived, next)
		if !there && (was == end || next > was) { // what followed was not asked for while next was missing
			if there, err = isThere(ctx, tx, k, number, next); err != nil {
				return err
			}
		}
		if !there {
			break
		}
		next++
	}
	if next == was {
		return nil
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE epoch SET complete = $4 WHERE org_id = $1 AND agent_id = $2 AND epoch = $3`, k.org, k.agent, k.epoch, next)
	return err
}

// isThere reports whether a sequence was taken or will never come.
func isThere(ctx context.Context, tx handle, k epochKey, number, seq int64) (bool, error) {
	var one int
	err := tx.QueryRowContext(ctx, `
		SELECT 1 WHERE EXISTS (SELECT 1 FROM batch WHERE org_id = $1 AND agent_id = $2 AND epoch_id = $3 AND seq = $4)
		OR EXISTS (SELECT 1 FROM replaced WHERE org_id = $1 AND agent_id = $2 AND epoch_id = $3 AND seq = $4)`,
		k.org, k.agent, number, seq).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// NoteFork implements ingest.Store.
func (db *DB) NoteFork(ctx context.Context, org, agent int64, at time.Time) error {
	_, err := db.write.ExecContext(ctx, `
		UPDATE agent SET forked_at = $3 WHERE org_id = $1 AND agent_id = $2 AND forked_at < $3`, org, agent, stamp(at))
	if err != nil {
		return fmt.Errorf("note that agent %d/%d was copied: %w", org, agent, err)
	}
	return nil
}

// Complete implements ingest.Store.
func (db *DB) Complete(ctx context.Context, org, agent int64) (map[string]uint64, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT epoch, complete FROM epoch WHERE org_id = $1 AND agent_id = $2`, org, agent)
	if err != nil {
		return nil, fmt.Errorf("read epochs of agent %d/%d: %w", org, agent, err)
	}
	defer rows.Close()
	complete := map[string]uint64{}
	for rows.Next() {
		var epoch string
		var next int64
		if err := rows.Scan(&epoch, &next); err != nil {
			return nil, fmt.Errorf("read epochs of agent %d/%d: %w", org, agent, err)
		}
		complete[epoch] = uint64(next)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read epochs of agent %d/%d: %w", org, agent, err)
	}
	return complete, nil
}
