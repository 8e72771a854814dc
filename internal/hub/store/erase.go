package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/erasure"
)

// Erase implements erasure.Store. The license server gets another number: what
// bears the old one is nobody's from then on, however much it is, and Purge takes
// it away. What tells of people now goes at once.
func (db *DB) Erase(ctx context.Context, guid string, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error { return erase(ctx, tx, guid, e) })
	if err != nil {
		return fmt.Errorf("delete usage data of license server %s: %w", guid, err)
	}
	return nil
}

func erase(ctx context.Context, tx *sql.Tx, guid string, e audit.Entry) error {
	next, err := nextID(ctx, tx, e.Org, "license_server")
	if err != nil {
		return err
	}
	var old int64
	err = tx.QueryRowContext(ctx, `
		UPDATE license_server SET revision = revision + 1 WHERE org_id = $1 AND guid = $2 AND registered_at <> 0
		RETURNING server_id, name`, e.Org, guid).Scan(&old, &e.Subject)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Errorf(fault.NotFound, "there is no license server with the GUID %.40q", guid)
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE license_server SET server_id = $3, erased_at = $4, erased_by = $5,
			last_reading = 0, failed_at = 0, failure = '', holders_at = 0
		WHERE org_id = $1 AND server_id = $2`, e.Org, old, next, stamp(e.At), e.Actor.Name)
	if err != nil {
		return err
	}
	// How names leave its site is no usage.
	_, err = tx.ExecContext(ctx, `UPDATE names_change SET server_id = $3 WHERE org_id = $1 AND server_id = $2`, e.Org, old, next)
	if err != nil {
		return err
	}
	for _, small := range []string{
		`DELETE FROM pool WHERE org_id = $1 AND server_id = $2`,
		`DELETE FROM holder WHERE org_id = $1 AND server_id = $2`,
		`DELETE FROM roster WHERE org_id = $1 AND server_id = $2`,
		`DELETE FROM source WHERE org_id = $1 AND server_id = $2`,
		`DELETE FROM gap WHERE org_id = $1 AND server_id = $2`,
	} {
		if _, err := tx.ExecContext(ctx, small, e.Org, old); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO erased (org_id, server_id, at) VALUES ($1, $2, $3)`, e.Org, old, stamp(e.At))
	if err != nil {
		return err
	}
	return noteAct(ctx, tx, e)
}

// Ended implements erasure.Store.
func (db *DB) Ended(ctx context.Context) (all []erasure.Line, err error) {
	if all, err = db.endings(ctx, all, erasure.UsageDeleted, `
		SELECT o.public_id, s.guid, s.erased_at, s.erased_by FROM license_server s JOIN organisation o ON o.org_id = s.org_id
		WHERE s.erased_at <> 0 ORDER BY s.erased_at, s.org_id, s.guid`); err != nil {
		return nil, fmt.Errorf("list deletions: %w", err)
	}
	// Who removed a registration is known to the audit log alone.
	if all, err = db.endings(ctx, all, erasure.RegistrationRemoved, `
		SELECT o.public_id, a.guid, a.removed_at, '' FROM agent a JOIN organisation o ON o.org_id = a.org_id
		WHERE a.removed_at <> 0 ORDER BY a.removed_at, a.org_id, a.guid`); err != nil {
		return nil, fmt.Errorf("list removals: %w", err)
	}
	return all, nil
}

func (db *DB) endings(ctx context.Context, all []erasure.Line, act erasure.Act, query string) ([]erasure.Line, error) {
	rows, err := db.read.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l := erasure.Line{Act: act}
		var at int64
		if err := rows.Scan(&l.Organisation, &l.GUID, &at, &l.By); err != nil {
			return nil, err
		}
		l.At = instant(at)
		all = append(all, l)
	}
	return all, rows.Err()
}

// Again implements erasure.Store.
func (db *DB) Again(ctx context.Context, l erasure.Line) (done bool, err error) {
	org, err := db.organisationOf(ctx, l.Organisation)
	if err != nil || org == 0 {
		return false, err
	}
	by := audit.Actor{Org: org, Name: l.By}
	switch l.Act {
	case erasure.UsageDeleted:
		e := audit.Of(by, audit.Erased, l.At, "")
		e.Detail = "again, after an older state of the store was restored"
		err = db.eraseAgain(ctx, l, e)
	case erasure.RegistrationRemoved:
		e := audit.Of(by, audit.Removed, l.At, "")
		e.Detail = "again, after an older state of the store was restored"
		err = db.removeAgain(ctx, l, e)
	}
	if errors.Is(err, errThere) {
		return false, nil
	}
	return err == nil, err
}

// errThere ends a transaction in which there is nothing to do again.
var errThere = errors.New("it is there")

func (db *DB) organisationOf(ctx context.Context, public string) (org int64, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT org_id FROM organisation WHERE public_id = $1`, public).Scan(&org)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return org, err
}

func (db *DB) eraseAgain(ctx context.Context, l erasure.Line, e audit.Entry) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		var at int64
		err := tx.QueryRowContext(ctx, `
			SELECT erased_at FROM license_server WHERE org_id = $1 AND guid = $2 AND registered_at <> 0`, e.Org, l.GUID).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) || err == nil && at >= stamp(l.At) {
			return errThere
		}
		if err != nil {
			return err
		}
		return erase(ctx, tx, l.GUID, e)
	})
}

func (db *DB) removeAgain(ctx context.Context, l erasure.Line, e audit.Entry) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		var agent, registered, removed int64
		err := tx.QueryRowContext(ctx, `
			SELECT agent_id, registered_at, removed_at FROM agent WHERE org_id = $1 AND guid = $2`, e.Org, l.GUID).Scan(&agent, &registered, &removed)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (removed != 0 || registered > stamp(l.At)) {
			return errThere
		}
		if err != nil {
			return err
		}
		return removeAgent(ctx, tx, agent, e)
	})
}

// Erasing implements erasure.Store.
func (db *DB) Erasing(ctx context.Context) (since time.Time, err error) {
	var at int64
	err = db.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(at), 0) FROM erased WHERE org_id <> 0`).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask what is being deleted: %w", err)
	}
	return instant(at), nil
}
