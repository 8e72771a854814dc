package store

import (
	"context"
	"fmt"

	"headroom/internal/hub/ingest"
	"headroom/internal/license"
	"headroom/internal/series"
)

// An assignmentKey names what is known of one assignee of one pool.
type assignmentKey struct {
	pool series.PoolID
	kind license.AssigneeKind
	who  string // folded
}

// An assignmentRow is what is known of it, in milliseconds. Rows are merged in
// any order: the earliest of what is first, the latest of what is last.
type assignmentRow struct {
	name      string // as it was written at seenTo, else at endedAt
	nameAt    int64
	firstTold int64
	seenFrom  int64
	seenTo    int64
	lastTold  int64
	endedAt   int64
}

// A rosterRow is what the lists of a server say of themselves.
type rosterRow struct {
	at, completeAt int64
	truncated      bool
	lease          int64
	lastIs         license.LastKind
}

// earlier returns the earlier of two instants that may not be told.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// keepAssignments adds what a batch says of assignments.
func (s *serverState) keepAssignments(b *ingest.Batch, ids []series.PoolID) {
	for i := range b.Assignments {
		l := &b.Assignments[i]
		at := millis(l.At)
		for _, a := range l.Assigned {
			row := s.assignment(a, ids, at)
			row.seenFrom, row.seenTo = earlier(row.seenFrom, at), max(row.seenTo, at)
			row.firstTold, row.lastTold = earlier(row.firstTold, millis(a.First)), max(row.lastTold, millis(a.Last))
		}
		for _, a := range l.Ended {
			row := s.assignment(a, ids, at)
			row.endedAt = max(row.endedAt, at)
			row.firstTold, row.lastTold = earlier(row.firstTold, millis(a.First)), max(row.lastTold, millis(a.Last))
		}
		if s.roster == nil {
			s.roster = &rosterRow{}
		}
		if at >= s.roster.at {
			s.roster.at, s.roster.truncated, s.roster.lease, s.roster.lastIs = at, l.Truncated, millis(l.Lease), l.LastIs
		}
		if l.Complete {
			s.roster.completeAt = max(s.roster.completeAt, at)
		}
	}
}

// assignment returns the row of an assignee that is named at an instant.
func (s *serverState) assignment(a ingest.Assignee, ids []series.PoolID, at int64) *assignmentRow {
	key := assignmentKey{ids[a.Pool], a.Kind, license.FoldName(a.Name)}
	row := s.assignments[key]
	if row == nil {
		row = &assignmentRow{}
		if s.assignments == nil {
			s.assignments = map[assignmentKey]*assignmentRow{}
		}
		s.assignments[key] = row
	}
	if at > row.nameAt || at == row.nameAt && a.Name > row.name {
		row.name, row.nameAt = a.Name, at
	}
	return row
}

// saveAssignments merges rows into those that are kept. The name is that of
// the row that was named later, of two of one instant the one that is greater
// byte by byte.
func (s *serverState) saveAssignments(ctx context.Context, tx handle) error {
	for k, r := range s.assignments {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO assignment (org_id, server_id, pool_id, kind, who, name, first_told, seen_from, seen_to, last_told, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (org_id, server_id, pool_id, kind, who) DO UPDATE SET
				name = CASE
					WHEN excluded.seen_to > assignment.seen_to AND excluded.seen_to > assignment.ended_at
						OR excluded.ended_at > assignment.seen_to AND excluded.ended_at > assignment.ended_at THEN excluded.name
					WHEN assignment.seen_to > excluded.seen_to AND assignment.seen_to > excluded.ended_at
						OR assignment.ended_at > excluded.seen_to AND assignment.ended_at > excluded.ended_at THEN assignment.name
					WHEN excluded.name > assignment.name THEN excluded.name
					ELSE assignment.name END,
				first_told = CASE WHEN assignment.first_told = 0 OR excluded.first_told <> 0 AND excluded.first_told < assignment.first_told
					THEN excluded.first_told ELSE assignment.first_told END,
				seen_from = CASE WHEN assignment.seen_from = 0 OR excluded.seen_from <> 0 AND excluded.seen_from < assignment.seen_from
					THEN excluded.seen_from ELSE assignment.seen_from END,
				seen_to = CASE WHEN excluded.seen_to > assignment.seen_to THEN excluded.seen_to ELSE assignment.seen_to END,
				last_told = CASE WHEN excluded.last_told > assignment.last_told THEN excluded.last_told ELSE assignment.last_told END,
				ended_at = CASE WHEN excluded.ended_at > assignment.ended_at THEN excluded.ended_at ELSE assignment.ended_at END`,
			s.org, s.id, int64(k.pool), string(k.kind), k.who, r.name, r.firstTold, r.seenFrom, r.seenTo, r.lastTold, r.endedAt)
		if err != nil {
			return fmt.Errorf("keep an assignment: %w", err)
		}
	}
	return s.saveRoster(ctx, tx)
}

func (s *serverState) saveRoster(ctx context.Context, tx handle) error {
	r := s.roster
	if r == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO roster (org_id, server_id, at, complete_at, truncated, lease, last_is) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (org_id, server_id) DO UPDATE SET
			truncated = CASE WHEN excluded.at >= roster.at THEN excluded.truncated ELSE roster.truncated END,
			lease = CASE WHEN excluded.at >= roster.at THEN excluded.lease ELSE roster.lease END,
			last_is = CASE WHEN excluded.at >= roster.at THEN excluded.last_is ELSE roster.last_is END,
			at = CASE WHEN excluded.at > roster.at THEN excluded.at ELSE roster.at END,
			complete_at = CASE WHEN excluded.complete_at > roster.complete_at THEN excluded.complete_at ELSE roster.complete_at END`,
		s.org, s.id, r.at, r.completeAt, bit(r.truncated), r.lease, string(r.lastIs))
	if err != nil {
		return fmt.Errorf("keep what lists of assignments say: %w", err)
	}
	return nil
}

// bit is how tables keep yes and no.
func bit(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// keepSources keeps the newest list of how a server's sources stand.
func (s *serverState) keepSources(b *ingest.Batch) {
	if b.Sources != nil && (s.sources == nil || b.Sources.At > s.sources.At) {
		s.sources = b.Sources
	}
}

// saveSources replaces the list that is kept, if this one is newer.
func (s *serverState) saveSources(ctx context.Context, tx handle) error {
	if s.sources == nil {
		return nil
	}
	at := millis(s.sources.At)
	var kept int64
	err := tx.QueryRowContext(ctx, `
		SELECT COALESCE(MAX(list_at), 0) FROM source WHERE org_id = $1 AND server_id = $2`, s.org, s.id).Scan(&kept)
	if err != nil || kept >= at {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM source WHERE org_id = $1 AND server_id = $2`, s.org, s.id); err != nil {
		return fmt.Errorf("replace sources: %w", err)
	}
	for line, one := range s.sources.List {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO source (org_id, server_id, line, list_at, name, asked_at, age, failure, absent, remark)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.org, s.id, line, at, one.Name, millis(one.At), millis(one.Age), one.Failure, bit(one.Absent), one.Remark)
		if err != nil {
			return fmt.Errorf("replace sources: %w", err)
		}
	}
	return nil
}
