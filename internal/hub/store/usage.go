package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"headroom/internal/hub/usage"
)

// Organisation implements usage.Store.
func (db reader) Organisation(ctx context.Context, org int64) (usage.Organisation, error) {
	o, err := db.OrganisationByID(ctx, org)
	if err != nil {
		return usage.Organisation{}, err
	}
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		return usage.Organisation{}, fmt.Errorf("read organisation %d: %w", org, err)
	}
	t := usage.Thresholds{
		Reporting: cmp.Or(o.Reporting, usage.DefaultThresholds.Reporting),
		Listed:    cmp.Or(o.Listed, usage.DefaultThresholds.Listed),
		Awaited:   cmp.Or(o.Awaited, usage.DefaultThresholds.Awaited),
	}
	t.Listed = max(t.Listed, t.Reporting)
	return usage.Organisation{ID: org, Name: o.Name, Zone: zone, Thresholds: t}, nil
}

// Servers implements usage.Store.
func (db reader) Servers(ctx context.Context, org int64) ([]usage.Record, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT s.server_id, s.guid, s.name, s.hosts, s.manager, s.version, COALESCE(a.host, ''), COALESCE(a.last_seen, 0), COALESCE(a.upload_asked_at, 0),
			COALESCE(a.forked_at, 0), COALESCE(a.clock_ms, 0),
			s.registered_at, s.removed_at, s.last_reported, s.last_contact, s.last_reading, s.holders_at, s.failed_at, s.failure, s.revision,
			s.erased_at, s.erased_by, s.acknowledged_at, s.site, s.tags
		FROM license_server s LEFT JOIN agent a ON a.org_id = s.org_id AND a.agent_id = s.agent_id
		WHERE s.org_id = $1 AND s.registered_at <> 0 AND (s.removed_at = 0 OR s.erased_at = 0 OR s.last_reading <> 0)
		ORDER BY s.server_id`, org)
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
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("list license servers: %w", err)
	}
	if err := db.addNames(ctx, org, all); err != nil {
		return nil, fmt.Errorf("list how names leave: %w", err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

func scanRecord(row scanner) (r usage.Record, err error) {
	var hosts, tags string
	var seen, asked, forked, clock, registered, removed, reported, contact, reading, holders, failed, erased, acknowledged int64
	err = row.Scan(&r.ID, &r.GUID, &r.Name, &hosts, &r.Manager, &r.Server.Version, &r.Agent, &seen, &asked, &forked, &clock,
		&registered, &removed, &reported, &contact, &reading, &holders, &failed, &r.Failure, &r.Version,
		&erased, &r.ErasedBy, &acknowledged, &r.Site, &tags)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(hosts), &r.Hosts); err != nil {
		return r, fmt.Errorf("hosts of license server %d: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
		return r, fmt.Errorf("tags of license server %d: %w", r.ID, err)
	}
	r.Forked, r.Clock = instant(forked), time.Duration(clock)*time.Millisecond
	r.Registered, r.Removed = instant(registered), instant(removed)
	r.LastReported, r.LastContact, r.LastReading = instant(reported), instant(max(contact, seen)), instant(reading)
	r.HoldersAt, r.UploadAsked, r.Erased, r.Acknowledged = instant(holders), instant(asked), instant(erased), instant(acknowledged)
	if failed > reading {
		r.FailedAt = instant(failed)
	} else {
		r.Failure = ""
	}
	return r, nil
}

// Pools implements usage.Store.
func (db reader) Pools(ctx context.Context, org int64) ([]usage.Pool, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT pool_id, server_id, feature, daemon, variant, vendor, first_at, shared_with, shared_at
		FROM pool WHERE org_id = $1 AND first_at <> 0 ORDER BY server_id, pool_id`, org)
	if err != nil {
		return nil, fmt.Errorf("list pools: %w", err)
	}
	defer rows.Close()
	var all []usage.Pool
	for rows.Next() {
		var p usage.Pool
		var first, shared int64
		if err := rows.Scan(&p.ID, &p.Server, &p.Key.Feature, &p.Key.Daemon, &p.Key.Variant, &p.Vendor, &first, &p.SharedWith, &shared); err != nil {
			return nil, fmt.Errorf("list pools: %w", err)
		}
		p.First, p.SharedAt = first/1000, shared/1000
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list pools: %w", err)
	}
	return all, db.mustExist(ctx, org, len(all))
}

// mustExist returns a fault.NotFound for an organisation that does not exist.
// One of which something was found does.
func (db reader) mustExist(ctx context.Context, org int64, found int) error {
	if found > 0 {
		return nil
	}
	_, err := db.OrganisationByID(ctx, org)
	return err
}
