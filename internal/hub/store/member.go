package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
)

// Members implements account.Store.
func (db *DB) Members(ctx context.Context, org int64, seenAfter time.Time) (all []account.Membership, err error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT m.member_id, m.email, m.name, m.role, m.created, COALESCE(MAX(s.seen), 0), COALESCE(MAX(f.since), 0) > 0
		FROM member m LEFT JOIN second_factor f ON f.org_id = m.org_id AND f.member_id = m.member_id
			LEFT JOIN signin s ON s.org_id = m.org_id AND s.member_id = m.member_id AND s.seen > $2
		WHERE m.org_id = $1 AND m.removed_at = 0
		GROUP BY m.member_id, m.email, m.name, m.role, m.created ORDER BY m.email, m.member_id`, org, stamp(seenAfter))
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		m := account.Membership{Member: account.Member{Org: org}}
		var joined, seen int64
		if err := rows.Scan(&m.ID, &m.Email, &m.Name, &m.Role, &joined, &seen, &m.Codes); err != nil {
			return nil, fmt.Errorf("list members: %w", err)
		}
		m.Joined, m.Seen = instant(joined), instant(seen)
		all = append(all, m)
	}
	return all, rows.Err()
}

// SetRole implements account.Store.
func (db *DB) SetRole(ctx context.Context, member int64, role account.Role, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		m, err := lockMember(ctx, tx, e.Org, member)
		if err != nil || m.Role == role {
			return err
		}
		if role != account.Admin {
			if err := spareLastAdmin(ctx, tx, m); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE member SET role = $3 WHERE org_id = $1 AND member_id = $2`, m.Org, m.ID, string(role))
		if err != nil {
			return err
		}
		e := e
		e.Subject = m.Email
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("change the role of member %d/%d: %w", e.Org, member, err)
	}
	return nil
}

// RemoveMember implements account.Store.
func (db *DB) RemoveMember(ctx context.Context, member int64, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		m, err := lockMember(ctx, tx, e.Org, member)
		if err != nil {
			return err
		}
		if err := spareLastAdmin(ctx, tx, m); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE member SET removed_at = $3 WHERE org_id = $1 AND member_id = $2`, m.Org, m.ID, stamp(e.At))
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM login WHERE tenant = $1 AND member_id = $2`,
			`DELETE FROM signin WHERE org_id = $1 AND member_id = $2`,
			`DELETE FROM second_factor WHERE org_id = $1 AND member_id = $2`,
			`DELETE FROM external_login WHERE org_id = $1 AND member_id = $2`,
			`DELETE FROM recovery_code WHERE org_id = $1 AND member_id = $2`,
		} {
			if _, err := tx.ExecContext(ctx, statement, m.Org, m.ID); err != nil {
				return err
			}
		}
		e := e
		e.Subject = m.Email
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("remove member %d/%d: %w", e.Org, member, err)
	}
	return nil
}

// lockMember returns a member; until the transaction ends nobody else changes who is
// in the organisation.
func lockMember(ctx context.Context, tx *sql.Tx, org, member int64) (account.Member, error) {
	m := account.Member{Org: org, ID: member}
	if _, err := tx.ExecContext(ctx, `UPDATE organisation SET name = name WHERE org_id = $1`, org); err != nil {
		return m, err
	}
	err := tx.QueryRowContext(ctx, `
		SELECT email, name, role FROM member WHERE org_id = $1 AND member_id = $2 AND removed_at = 0`, org, member).
		Scan(&m.Email, &m.Name, &m.Role)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.Errorf(fault.NotFound, "no such member")
	}
	return m, err
}

// spareLastAdmin refuses what would leave an organisation without an administrator.
func spareLastAdmin(ctx context.Context, tx *sql.Tx, m account.Member) error {
	var others int
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM member WHERE org_id = $1 AND member_id <> $2 AND role = $3 AND removed_at = 0`,
		m.Org, m.ID, string(account.Admin)).Scan(&others)
	if err == nil && m.Role == account.Admin && others == 0 {
		return fault.Errorf(fault.Conflict, "%s is the only administrator: make somebody else one first", m.Email)
	}
	return err
}

// SetPassword implements account.Store.
func (db *DB) SetPassword(ctx context.Context, m account.Member, hash string, keep int64, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE login SET password = $3 WHERE tenant = $1 AND member_id = $2`, m.Org, m.ID, hash)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fault.Errorf(fault.NotFound, "no such member"))
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM signin WHERE org_id = $1 AND member_id = $2 AND signin_id <> $3`, m.Org, m.ID, keep)
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("change the password of member %d/%d: %w", m.Org, m.ID, err)
	}
	return nil
}
