package store

import (
	"context"
	"fmt"

	"headroom/internal/hub/ingest"
	"headroom/internal/series"
)

// A holderRow is a holder and the hub's number of its pool.
type holderRow struct {
	ingest.Holder
	pool series.PoolID
}

// A denialRow is a denial and the hub's number of its pool.
type denialRow struct {
	ingest.Denial
	pool series.PoolID
}

// keepPeople adds what a batch says of people. Of holders only the newest list
// is kept.
func (s *serverState) keepPeople(b *ingest.Batch, ids []series.PoolID) {
	if h := b.Holders; h != nil && millis(h.At) > s.holdersAt {
		s.holders, s.newHolders, s.holdersAt = nil, true, millis(h.At)
		for _, holder := range h.List {
			s.holders = append(s.holders, holderRow{holder, ids[holder.Pool]})
		}
	}
	for _, d := range b.Denials {
		s.denials = append(s.denials, denialRow{d, ids[d.Pool]})
	}
}

func (s *serverState) saveHolders(ctx context.Context, tx handle) error {
	if !s.newHolders {
		return nil
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM holder WHERE org_id = $1 AND server_id = $2`, s.org, s.id)
	if err != nil {
		return fmt.Errorf("replace holders: %w", err)
	}
	for line, h := range s.holders {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO holder (org_id, server_id, line, pool_id, user_name, host, display, licenses, since, how)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.org, s.id, line, int64(h.pool), h.User, h.Host, h.Display, h.Licenses, millis(h.Since), string(h.Kind))
		if err != nil {
			return fmt.Errorf("replace holders: %w", err)
		}
	}
	return nil
}

// saveDenials keeps denials. Of one that is told again what was known later
// counts, whichever comes first.
func (s *serverState) saveDenials(ctx context.Context, tx handle) error {
	for _, d := range s.denials {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO denial (org_id, server_id, at, pool_id, user_name, host, reason, n, last_at, outcome)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (org_id, server_id, at, pool_id, user_name, host, reason) DO UPDATE
			SET n = excluded.n, last_at = excluded.last_at, outcome = excluded.outcome
			WHERE (excluded.n, excluded.last_at, excluded.outcome) > (denial.n, denial.last_at, denial.outcome)`,
			s.org, s.id, millis(d.At), int64(d.pool), d.User, d.Host, d.Reason, d.Count, millis(d.Last), d.Outcome)
		if err != nil {
			return fmt.Errorf("keep a denial: %w", err)
		}
	}
	return nil
}
