package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
)

// errSignsIn says that an address is taken: it leads to one organisation of the hub.
var errSignsIn = fault.Errorf(fault.Conflict, "this e-mail address signs in to an organisation of this hub already")

// Invite implements account.Store.
func (db *DB) Invite(ctx context.Context, tokenHash []byte, inv account.Invitation, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if err := addInvitation(ctx, tx, tokenHash, inv); err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("invite to organisation %d: %w", inv.Org, err)
	}
	return nil
}

// addInvitation keeps an invitation instead of those to the same address, and of
// those that are over.
func addInvitation(ctx context.Context, tx *sql.Tx, tokenHash []byte, inv account.Invitation) error {
	var taken int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM login WHERE email = $1`, account.FoldEmail(inv.Email)).Scan(&taken)
	if err != nil {
		return err
	}
	if taken > 0 {
		return errSignsIn
	}
	before, err := invitations(ctx, tx, inv.Org, time.Time{})
	if err != nil {
		return err
	}
	for _, b := range before {
		if account.FoldEmail(b.Email) != account.FoldEmail(inv.Email) && inv.Created.Before(b.Expires) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitation WHERE tenant = $1 AND invitation_id = $2`, inv.Org, b.ID); err != nil {
			return err
		}
	}
	id, err := nextID(ctx, tx, inv.Org, "invitation")
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO invitation (token_hash, tenant, invitation_id, email, role, invited_by, created, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		hex.EncodeToString(tokenHash), inv.Org, id, inv.Email, string(inv.Role), inv.InvitedBy, stamp(inv.Created), stamp(inv.Expires))
	return err
}

// Invitations implements account.Store.
func (db *DB) Invitations(ctx context.Context, org int64, at time.Time) ([]account.Invitation, error) {
	all, err := invitations(ctx, db.read, org, at)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return all, nil
}

// A lister runs queries for many rows.
type lister interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func invitations(ctx context.Context, q lister, org int64, at time.Time) (all []account.Invitation, err error) {
	rows, err := q.QueryContext(ctx, `
		SELECT invitation_id, tenant, email, role, invited_by, created, expires FROM invitation
		WHERE tenant = $1 AND expires > $2 ORDER BY invitation_id DESC`, org, stamp(at))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		inv, err := scanInvitation(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, inv)
	}
	return all, rows.Err()
}

func scanInvitation(row scanner) (inv account.Invitation, err error) {
	var created, expires int64
	err = row.Scan(&inv.ID, &inv.Org, &inv.Email, &inv.Role, &inv.InvitedBy, &created, &expires)
	inv.Created, inv.Expires = instant(created), instant(expires)
	return inv, err
}

// Invitation implements account.Store.
func (db *DB) Invitation(ctx context.Context, tokenHash []byte, at time.Time) (account.Invitation, error) {
	inv, err := scanInvitation(db.read.QueryRowContext(ctx, `
		SELECT invitation_id, tenant, email, role, invited_by, created, expires FROM invitation
		WHERE token_hash = $1 AND expires > $2`, hex.EncodeToString(tokenHash), stamp(at)))
	if errors.Is(err, sql.ErrNoRows) {
		return account.Invitation{}, fault.Errorf(fault.NotFound, "no such invitation")
	}
	if err != nil {
		return account.Invitation{}, fmt.Errorf("look up an invitation: %w", err)
	}
	return inv, nil
}

// Uninvite implements account.Store.
func (db *DB) Uninvite(ctx context.Context, id int64, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		e := e
		err := tx.QueryRowContext(ctx, `
			DELETE FROM invitation WHERE tenant = $1 AND invitation_id = $2 RETURNING email`, e.Org, id).Scan(&e.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "no such invitation: it was used or taken back")
		}
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("take back invitation %d/%d: %w", e.Org, id, err)
	}
	return nil
}

// Accept implements account.Store.
func (db *DB) Accept(ctx context.Context, tokenHash []byte, login account.Login, e audit.Entry) (m account.Member, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		m = login.Member
		res, err := tx.ExecContext(ctx, `
			DELETE FROM invitation WHERE token_hash = $1 AND tenant = $2 AND expires > $3`,
			hex.EncodeToString(tokenHash), m.Org, stamp(e.At))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fault.Errorf(fault.NotFound, "no such invitation"))
		}
		if m, err = addMember(ctx, tx, login, e.At); err != nil {
			return err
		}
		e := e
		e.Actor.Member = m.ID
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return account.Member{}, fmt.Errorf("accept an invitation: %w", err)
	}
	return m, nil
}

// addMember makes the member of a login.
func addMember(ctx context.Context, tx *sql.Tx, login account.Login, at time.Time) (account.Member, error) {
	m := login.Member
	var err error
	if m.ID, err = nextID(ctx, tx, m.Org, "member"); err != nil {
		return m, err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO member (org_id, member_id, email, name, role, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		m.Org, m.ID, m.Email, m.Name, string(m.Role), stamp(at))
	if err != nil {
		return m, err
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO login (email, tenant, member_id, password) VALUES ($1, $2, $3, $4) ON CONFLICT (email) DO NOTHING`,
		account.FoldEmail(m.Email), m.Org, m.ID, login.Password)
	if err != nil {
		return m, err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = errSignsIn
	}
	return m, err
}
