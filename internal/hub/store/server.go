package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"headroom/internal/hub/ingest"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A serverKey names a license server from outside.
type serverKey struct {
	org  int64
	guid string
}

// A serverState is a license server whose row a transaction holds: what it was
// and what the batches of the transaction make of it.
type serverState struct {
	org, id             int64
	agent               int64
	registered, removed int64
	erased              int64 // what is older was deleted, in milliseconds
	keepDays            int   // so many days of usage data are kept; 0: all
	revision            int64

	infoAt       int64
	lastReported int64
	lastContact  int64
	lastReading  int64
	failedAt     int64
	failure      string
	offsetAt     int64
	offsetMS     int64
	holdersAt    int64

	changed bool
	info    *license.Server             // what it is said to be now; nil where nothing newer is said
	pools   map[license.Pool]*poolState // nil until one is asked for
	days    map[int32]series.Day        // what is to be merged into the blocks
	open    map[int32]bool              // the days whose open blocks were merged
	holders []holderRow                 // the newest list; only where newHolders
	denials []denialRow
	names   []ingest.Names
	gaps    []ingest.Gap
	past    map[int32]bool // days whose block had imported history

	newHolders bool

	assignments map[assignmentKey]*assignmentRow // what is to be merged into the rows
	roster      *rosterRow                       // nil where no batch has assignments
	sources     *ingest.Sources                  // the newest list; nil if none
}

// lockServer takes a server's row, so that no other hub process changes the
// server until the transaction ends, and gives it its next revision. It
// returns nil where the organisation has no such server.
func lockServer(ctx context.Context, tx handle, k serverKey) (*serverState, error) {
	s := &serverState{org: k.org, days: map[int32]series.Day{}}
	err := tx.QueryRowContext(ctx, `
		UPDATE license_server SET revision = revision + 1 WHERE org_id = $1 AND guid = $2
		RETURNING server_id, agent_id, registered_at, removed_at, erased_at, revision, info_at,
			last_reported, last_contact, last_reading, failed_at, failure, offset_at, offset_ms, holders_at,
			COALESCE((SELECT keep_days FROM organisation WHERE org_id = $1), 0)`,
		k.org, k.guid).Scan(&s.id, &s.agent, &s.registered, &s.removed, &s.erased, &s.revision, &s.infoAt,
		&s.lastReported, &s.lastContact, &s.lastReading, &s.failedAt, &s.failure, &s.offsetAt, &s.offsetMS, &s.holdersAt, &s.keepDays)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// add adds what a batch says. Nothing of it depends on the order in which
// batches come.
func (s *serverState) add(ctx context.Context, tx handle, b *ingest.Batch) error {
	s.changed = true
	received := stamp(b.Received)
	s.lastContact = max(s.lastContact, received)
	if b.Reading != 0 {
		s.lastReported = max(s.lastReported, received)
		s.lastReading = max(s.lastReading, millis(b.Reading))
	}
	if at := millis(b.Failed.At); at > s.failedAt || at == s.failedAt && b.Failed.Reason > s.failure {
		s.failedAt, s.failure = at, b.Failed.Reason
	}
	if at := millis(b.Offset.At); at > s.offsetAt || at == s.offsetAt && b.Offset.MS > s.offsetMS {
		s.offsetAt, s.offsetMS = at, b.Offset.MS
	}
	if b.Info != nil && millis(b.Info.At) > s.infoAt {
		s.info, s.infoAt = &b.Info.Server, millis(b.Info.At)
	}
	ids, err := s.poolIDs(ctx, tx, b.Pools)
	if err != nil {
		return err
	}
	for _, day := range b.Days {
		s.merge(day, ids)
	}
	s.keepPeople(b, ids)
	s.keepAssignments(b, ids)
	s.keepSources(b)
	s.gaps = append(s.gaps, b.Gaps...)
	s.names = append(s.names, b.Names...)
	return nil
}

// saveAll writes what the batches made of the servers. All open blocks are
// read before it is asked what there is in packs; see newestPacks.
func saveAll(ctx context.Context, tx handle, servers map[serverKey]*serverState) error {
	var changed []*serverState
	for _, s := range servers {
		if s != nil && s.changed {
			changed = append(changed, s)
		}
	}
	for _, s := range changed {
		if err := s.mergeOpen(ctx, tx); err != nil {
			return s.fail(fmt.Errorf("read days: %w", err))
		}
	}
	newest := newestPacks{}
	for _, s := range changed {
		if err := s.saveBlocks(ctx, tx, newest); err != nil {
			return s.fail(err)
		}
		if err := s.save(ctx, tx); err != nil {
			return s.fail(err)
		}
	}
	return nil
}

// save writes all but the blocks.
func (s *serverState) save(ctx context.Context, tx handle) error {
	for _, step := range []func(context.Context, handle) error{
		s.saveRow, s.saveInfo, s.savePools, s.saveHolders, s.saveDenials, s.saveGaps, s.saveAssignments, s.saveSources, s.saveNames,
	} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// fail says which server an error is about.
func (s *serverState) fail(err error) error {
	return fmt.Errorf("license server %d/%d: %w", s.org, s.id, err)
}

func (s *serverState) saveRow(ctx context.Context, tx handle) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE license_server SET last_reported = $3, last_contact = $4, last_reading = $5, failed_at = $6, failure = $7,
			offset_at = $8, offset_ms = $9, holders_at = $10
		WHERE org_id = $1 AND server_id = $2`,
		s.org, s.id, s.lastReported, s.lastContact, s.lastReading, s.failedAt, s.failure, s.offsetAt, s.offsetMS, s.holdersAt)
	return err
}

// saveInfo writes what the server is said to be, where that is news: few
// batches have it.
func (s *serverState) saveInfo(ctx context.Context, tx handle) error {
	if s.info == nil {
		return nil
	}
	hosts, err := json.Marshal(s.info.Hosts)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE license_server SET name = $3, hosts = $4, port = $5, host_id = $6, manager = $7, version = $8, info_at = $9
		WHERE org_id = $1 AND server_id = $2`,
		s.org, s.id, s.info.Name, string(hosts), s.info.Port, s.info.HostID, s.info.Manager, s.info.Version, s.infoAt)
	return err
}

func (s *serverState) saveGaps(ctx context.Context, tx handle) error {
	for _, g := range s.gaps {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO gap (org_id, server_id, from_at, to_at, reason) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (org_id, server_id, from_at, to_at, reason) DO NOTHING`,
			s.org, s.id, millis(g.From), millis(g.To), g.Reason)
		if err != nil {
			return fmt.Errorf("keep a gap: %w", err)
		}
	}
	return nil
}

// millis is how tables keep an instant that is told in seconds.
func millis(seconds int64) int64 { return 1000 * seconds }
