package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
)

// Factor implements account.Store.
func (db *DB) Factor(ctx context.Context, org, member int64) (f account.Factor, err error) {
	var since int64
	err = db.read.QueryRowContext(ctx, `
		SELECT f.sealed, f.since, f.step, (SELECT COUNT(*) FROM recovery_code r WHERE r.org_id = f.org_id AND r.member_id = f.member_id)
		FROM second_factor f WHERE f.org_id = $1 AND f.member_id = $2`, org, member).Scan(&f.Sealed, &since, &f.Step, &f.Left)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Factor{}, nil
	}
	if err != nil {
		return account.Factor{}, fmt.Errorf("read the second factor of member %d/%d: %w", org, member, err)
	}
	f.Since = instant(since)
	return f, nil
}

// BeginFactor implements account.Store.
func (db *DB) BeginFactor(ctx context.Context, m account.Member, sealed string) error {
	return db.factor(ctx, "begin", m.Org, m.ID, nil, func(tx *sql.Tx, m account.Member) error {
		return oneRow(ctx, tx, fault.Errorf(fault.Conflict, "you have a second factor already"), `
			INSERT INTO second_factor (org_id, member_id, sealed, since, step) VALUES ($1, $2, $3, 0, 0)
			ON CONFLICT (org_id, member_id) DO UPDATE SET sealed = excluded.sealed, step = 0 WHERE second_factor.since = 0`, m.Org, m.ID, sealed)
	})
}

// ConfirmFactor implements account.Store.
func (db *DB) ConfirmFactor(ctx context.Context, m account.Member, sealed string, step int64, hashes []string, keep int64, e audit.Entry) error {
	return db.factor(ctx, "confirm", m.Org, m.ID, &e, func(tx *sql.Tx, m account.Member) error {
		err := oneRow(ctx, tx, fault.Errorf(fault.Conflict, "another second factor was set up in the meantime; begin again"), `
			UPDATE second_factor SET since = $4, step = $5 WHERE org_id = $1 AND member_id = $2 AND sealed = $3 AND since = 0`, m.Org, m.ID, sealed, stamp(e.At), step)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM signin WHERE org_id = $1 AND member_id = $2 AND signin_id <> $3`, m.Org, m.ID, keep)
		if err != nil {
			return err
		}
		return setRecovery(ctx, tx, m, hashes)
	})
}

// SetRecovery implements account.Store.
func (db *DB) SetRecovery(ctx context.Context, m account.Member, hashes []string, e audit.Entry) error {
	return db.factor(ctx, "make recovery codes for", m.Org, m.ID, &e, func(tx *sql.Tx, m account.Member) error {
		return setRecovery(ctx, tx, m, hashes)
	})
}

// RemoveFactor implements account.Store.
func (db *DB) RemoveFactor(ctx context.Context, member int64, e audit.Entry) error {
	return db.factor(ctx, "remove", e.Org, member, &e, func(tx *sql.Tx, m account.Member) error {
		err := oneRow(ctx, tx, fault.Errorf(fault.NotFound, "this member has no second factor"), `
			DELETE FROM second_factor WHERE org_id = $1 AND member_id = $2 AND since > 0`, m.Org, m.ID)
		if err != nil {
			return err
		}
		return setRecovery(ctx, tx, m, nil)
	})
}

// UseCode implements account.Store.
func (db *DB) UseCode(ctx context.Context, m account.Member, step int64, e *audit.Entry) error {
	return db.factor(ctx, "use", m.Org, m.ID, e, func(tx *sql.Tx, m account.Member) error {
		return oneRow(ctx, tx, fault.Errorf(fault.NotFound, "this code was used before"), `
			UPDATE second_factor SET step = $3 WHERE org_id = $1 AND member_id = $2 AND step < $3 AND since > 0`, m.Org, m.ID, step)
	})
}

// UseRecovery implements account.Store.
func (db *DB) UseRecovery(ctx context.Context, m account.Member, hash string, e *audit.Entry) error {
	return db.factor(ctx, "recover", m.Org, m.ID, e, func(tx *sql.Tx, m account.Member) error {
		return oneRow(ctx, tx, fault.Errorf(fault.NotFound, "no such recovery code"), `
			DELETE FROM recovery_code WHERE org_id = $1 AND member_id = $2 AND code_hash = $3`, m.Org, m.ID, hash)
	})
}

// WantCodes implements account.Store.
func (db *DB) WantCodes(ctx context.Context, want bool, e audit.Entry) error {
	to := 0
	if want {
		to = 1
	}
	err := db.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE organisation SET codes = $2 WHERE org_id = $1 AND codes <> $2`, e.Org, to)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err // it is so already
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("say whether organisation %d wants second factors: %w", e.Org, err)
	}
	return nil
}

// factor changes what belongs to a member's second factor, in a transaction in which
// he is locked. The entry of the audit log, if there is one, gets him as its subject.
func (db *DB) factor(ctx context.Context, what string, org, member int64, e *audit.Entry, change func(*sql.Tx, account.Member) error) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		m, err := lockMember(ctx, tx, org, member)
		if err != nil {
			return err
		}
		if err := change(tx, m); err != nil || e == nil {
			return err
		}
		e := *e
		e.Subject = m.Email
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("%s the second factor of member %d/%d: %w", what, org, member, err)
	}
	return nil
}

func setRecovery(ctx context.Context, tx *sql.Tx, m account.Member, hashes []string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_code WHERE org_id = $1 AND member_id = $2`, m.Org, m.ID); err != nil {
		return err
	}
	for _, hash := range hashes {
		_, err := tx.ExecContext(ctx, `INSERT INTO recovery_code (org_id, member_id, code_hash) VALUES ($1, $2, $3)`, m.Org, m.ID, hash)
		if err != nil {
			return err
		}
	}
	return nil
}

// oneRow makes a change, and returns the error none where there was nothing to change.
func oneRow(ctx context.Context, tx *sql.Tx, none error, statement string, args ...any) error {
	res, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = none
	}
	return err
}
