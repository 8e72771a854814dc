package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
)

// AddRegistration implements registration.Store.
func (db *DB) AddRegistration(ctx context.Context, r registration.Record, limits registration.Limits) error {
	servers, err := json.Marshal(r.Servers)
	if err != nil {
		return fmt.Errorf("add a registration: %w", err)
	}
	err = db.tx(ctx, func(tx *sql.Tx) error {
		// The counter's row makes those who add wait for each other, so that
		// the limits hold.
		if _, err := nextID(ctx, tx, 0, "registration"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE registration SET state = $2 WHERE key_id = $1 AND state IN ($3, $4)`,
			r.KeyID, string(registration.Expired), string(registration.Waiting), string(registration.Approved))
		if err != nil {
			return err
		}
		if err := checkLive(ctx, tx, r, limits); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO registration (id, code_hash, key_id, public_key, agent_guid, host, platform, version,
				address, network, servers, asked, state, expires)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			r.ID, r.CodeHash, r.KeyID, r.PublicKey, r.AgentGUID, r.Host, r.Platform, r.Version,
			r.Address, r.Network, string(servers), stamp(r.Asked), string(r.State), stamp(r.Expires))
		return err
	})
	if err != nil {
		return fmt.Errorf("add a registration: %w", err)
	}
	return nil
}

// checkLive returns a fault if one more live code would be too many.
func checkLive(ctx context.Context, tx *sql.Tx, r registration.Record, limits registration.Limits) error {
	var all, here int
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*), COUNT(CASE WHEN network = $3 THEN 1 END) FROM registration
		WHERE state = $1 AND expires > $2`,
		string(registration.Waiting), stamp(r.Asked), r.Network).Scan(&all, &here)
	if err != nil {
		return err
	}
	if all >= limits.Live || here >= limits.PerAddress {
		return &fault.Error{
			Kind: fault.TooMany, After: limits.CodeLife / 2,
			Msg: "too many registrations are waiting for their code to be entered; try again in some minutes",
		}
	}
	return nil
}

// ChangeByID implements registration.Store.
func (db *DB) ChangeByID(ctx context.Context, id string, change registration.Change) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		rec, err := lockRegistration(ctx, tx, id)
		if err != nil {
			return err
		}
		return changeAndTell(ctx, tx, rec, change, func() error { return nil })
	})
}

// ChangeByCode implements registration.Store.
func (db *DB) ChangeByCode(ctx context.Context, hash []byte, change registration.Change) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		var id string
		err := tx.QueryRowContext(ctx, `SELECT id FROM registration WHERE code_hash = $1`, hash).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoRegistration
		}
		if err != nil {
			return fmt.Errorf("look up a code: %w", err)
		}
		rec, err := lockRegistration(ctx, tx, id)
		if err != nil {
			return err
		}
		return changeAndTell(ctx, tx, rec, change, func() error { return nil })
	})
}

// Admit implements registration.Store.
func (db *DB) Admit(ctx context.Context, id string, at time.Time, change registration.Change) error {
	return db.tx(ctx, func(tx *sql.Tx) error {
		rec, err := lockRegistration(ctx, tx, id)
		if err != nil {
			return err
		}
		before := rec.State
		return changeAndTell(ctx, tx, rec, change, func() error {
			if before == rec.State || rec.State != registration.Confirmed {
				return nil
			}
			return admit(ctx, tx, rec, at)
		})
	})
}

var errNoRegistration = fault.Errorf(fault.NotFound, "no such registration")

// lockRegistration reads a record; until the transaction ends nobody else
// changes it.
func lockRegistration(ctx context.Context, tx *sql.Tx, id string) (*registration.Record, error) {
	if _, err := tx.ExecContext(ctx, `UPDATE registration SET polled = polled WHERE id = $1`, id); err != nil {
		return nil, fmt.Errorf("lock registration %s: %w", id, err)
	}
	rec, err := scanRegistration(tx.QueryRowContext(ctx, selectRegistration+` WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoRegistration
	}
	if err != nil {
		return nil, fmt.Errorf("read registration %s: %w", id, err)
	}
	return rec, nil
}

// changeAndTell alters a record that is locked, does what follows from that, and
// tells of it last.
func changeAndTell(ctx context.Context, tx *sql.Tx, rec *registration.Record, change registration.Change, follows func() error) error {
	e, err := applyChange(ctx, tx, rec, change)
	if err != nil {
		return err
	}
	if err := follows(); err != nil || e == nil {
		return err
	}
	return noteAct(ctx, tx, *e)
}

// applyChange alters a record that is locked and writes what may change of it. It
// returns what is to be told of it; nil: nothing.
func applyChange(ctx context.Context, tx *sql.Tx, rec *registration.Record, change registration.Change) (*audit.Entry, error) {
	e, err := change(rec)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE registration SET state = $2, expires = $3, polled = $4, slower = $5,
			tenant = $6, org_public = $7, org_name = $8, approved_by = $9
		WHERE id = $1`,
		rec.ID, string(rec.State), stamp(rec.Expires), stamp(rec.Polled), rec.Slower.Milliseconds(),
		rec.Org, rec.OrgPublic, rec.OrgName, rec.ApprovedBy)
	if err != nil {
		return nil, fmt.Errorf("change registration %s: %w", rec.ID, err)
	}
	return e, nil
}

// RegistrationKey implements registration.Store.
func (db *DB) RegistrationKey(ctx context.Context, id string) (key []byte, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT public_key FROM registration WHERE id = $1`, id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoRegistration
	}
	if err != nil {
		return nil, fmt.Errorf("read registration %s: %w", id, err)
	}
	return key, nil
}

// UnfinishedRegistrations implements registration.Store.
func (db *DB) UnfinishedRegistrations(ctx context.Context, org int64) ([]registration.Record, error) {
	rows, err := db.read.QueryContext(ctx, selectRegistration+`
		WHERE tenant = $1 AND state <> $2 ORDER BY asked DESC, id`, org, string(registration.Confirmed))
	if err != nil {
		return nil, fmt.Errorf("list registrations: %w", err)
	}
	defer rows.Close()
	var all []registration.Record
	for rows.Next() {
		rec, err := scanRegistration(rows)
		if err != nil {
			return nil, fmt.Errorf("list registrations: %w", err)
		}
		all = append(all, *rec)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list registrations: %w", err)
	}
	return all, nil
}

const selectRegistration = `
	SELECT id, code_hash, key_id, public_key, agent_guid, host, platform, version, address, network, servers,
		asked, state, expires, polled, slower, tenant, org_public, org_name, approved_by
	FROM registration`

// A scanner is a row of a result.
type scanner interface{ Scan(dest ...any) error }

func scanRegistration(row scanner) (*registration.Record, error) {
	var rec registration.Record
	var servers []byte
	var asked, expires, polled, slower int64
	err := row.Scan(&rec.ID, &rec.CodeHash, &rec.KeyID, &rec.PublicKey, &rec.AgentGUID, &rec.Host, &rec.Platform,
		&rec.Version, &rec.Address, &rec.Network, &servers, &asked, &rec.State, &expires, &polled, &slower,
		&rec.Org, &rec.OrgPublic, &rec.OrgName, &rec.ApprovedBy)
	if err != nil {
		return nil, err
	}
	rec.Asked, rec.Expires, rec.Polled = instant(asked), instant(expires), instant(polled)
	rec.Slower = time.Duration(slower) * time.Millisecond
	return &rec, json.Unmarshal(servers, &rec.Servers)
}
