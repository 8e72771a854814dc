package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"headroom/internal/hub/usage"
	"headroom/internal/series"
)

// Organisation implements usage.Store.
func (db *DB) Organisation(ctx context.Context, org int64) (usage.Organisation, error) {
	o, err := db.OrganisationByID(ctx, org)
	if err != nil {
		return usage.Organisation{}, err
	}
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		return usage.Organisation{}, fmt.Errorf("read organisation %d: %w", org, err)
	}
	return usage.Organisation{ID: org, Name: o.Name, Zone: zone, Thresholds: usage.DefaultThresholds}, nil
}

// Servers implements usage.Store.
func (db *DB) Servers(ctx context.Context, org int64) ([]usage.Record, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT s.server_id, s.guid, s.name, s.hosts, s.manager, s.version, COALESCE(a.host, ''), COALESCE(a.last_seen, 0),
			s.registered_at, s.removed_at, s.last_reported, s.last_contact, s.last_reading, s.failed_at, s.failure, s.revision
		FROM license_server s LEFT JOIN agent a ON a.org_id = s.org_id AND a.agent_id = s.agent_id
		WHERE s.org_id = $1 AND s.registered_at <> 0 ORDER BY s.server_id`, org)
	if err != nil {
		return nil, fmt.Errorf("list license servers: %w", err)
	}
	defer rows.Close()
	var all []usage.Record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, fmt.Errorf("list license servers: %w", err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list license servers: %w", err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

func scanRecord(row scanner) (r usage.Record, err error) {
	var hosts string
	var seen, registered, removed, reported, contact, reading, failed int64
	err = row.Scan(&r.ID, &r.GUID, &r.Name, &hosts, &r.Manager, &r.Server.Version, &r.Agent, &seen,
		&registered, &removed, &reported, &contact, &reading, &failed, &r.Failure, &r.Version)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(hosts), &r.Hosts); err != nil {
		return r, fmt.Errorf("hosts of license server %d: %w", r.ID, err)
	}
	r.Registered, r.Removed = instant(registered), instant(removed)
	r.LastReported, r.LastContact, r.LastReading = instant(reported), instant(max(contact, seen)), instant(reading)
	if failed > reading {
		r.FailedAt = instant(failed)
	} else {
		r.Failure = ""
	}
	return r, nil
}

// Pools implements usage.Store.
func (db *DB) Pools(ctx context.Context, org int64) ([]usage.Pool, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT pool_id, server_id, feature, daemon, variant, vendor, first_at
		FROM pool WHERE org_id = $1 AND first_at <> 0 ORDER BY pool_id, server_id`, org)
	if err != nil {
		return nil, fmt.Errorf("list pools: %w", err)
	}
	defer rows.Close()
	var all []usage.Pool
	for rows.Next() {
		var p usage.Pool
		var first int64
		if err := rows.Scan(&p.ID, &p.Server, &p.Key.Feature, &p.Key.Daemon, &p.Key.Variant, &p.Vendor, &first); err != nil {
			return nil, fmt.Errorf("list pools: %w", err)
		}
		p.First = first / 1000
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list pools: %w", err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

// DayVersions implements usage.Store.
func (db *DB) DayVersions(ctx context.Context, org, server int64) ([]usage.DayVersion, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT day, version FROM block WHERE org_id = $1 AND server_id = $2 ORDER BY day`, org, server)
	if err != nil {
		return nil, fmt.Errorf("list days of license server %d/%d: %w", org, server, err)
	}
	defer rows.Close()
	var all []usage.DayVersion
	for rows.Next() {
		var d usage.DayVersion
		if err := rows.Scan(&d.Day, &d.Version); err != nil {
			return nil, fmt.Errorf("list days of license server %d/%d: %w", org, server, err)
		}
		all = append(all, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list days of license server %d/%d: %w", org, server, err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

// Days implements usage.Store. All days are of one state of the database. A
// connection is held until the sequence ends.
func (db *DB) Days(ctx context.Context, org, server int64, from, to int32) iter.Seq2[series.Day, error] {
	return func(yield func(series.Day, error) bool) {
		n, err := db.eachDay(ctx, org, server, from, to, func(d series.Day) bool { return yield(d, nil) })
		if err == nil {
			err = db.mustExist(ctx, org, n)
		} else {
			err = fmt.Errorf("read days of license server %d/%d: %w", org, server, err)
		}
		if err != nil {
			yield(series.Day{}, err)
		}
	}
}

// eachDay calls f with each day until f returns false, and returns how many
// there were.
func (db *DB) eachDay(ctx context.Context, org, server int64, from, to int32, f func(series.Day) bool) (n int, err error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT data FROM block WHERE org_id = $1 AND server_id = $2 AND day >= $3 AND day < $4 ORDER BY day`,
		org, server, from, to)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var block []byte
		if err := rows.Scan(&block); err != nil {
			return n, err
		}
		day, err := series.Decode(block)
		if err != nil {
			return n, err
		}
		if n++; !f(day) {
			return n, nil
		}
	}
	return n, rows.Err()
}

// mustExist returns a fault.NotFound for an organisation that does not exist.
// One of which something was found does.
func (db *DB) mustExist(ctx context.Context, org int64, found int) error {
	if found > 0 {
		return nil
	}
	_, err := db.OrganisationByID(ctx, org)
	return err
}
