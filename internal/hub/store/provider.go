package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"headroom/internal/fault"
	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
)

// Provider implements account.Store.
func (db *DB) Provider(ctx context.Context, org int64) (p account.Provider, err error) {
	var domains string
	err = db.read.QueryRowContext(ctx, `
		SELECT name, issuer, client_id, sealed, domains, newcomers FROM provider WHERE org_id = $1`, org).
		Scan(&p.Name, &p.Issuer, &p.ClientID, &p.Sealed, &domains, &p.Newcomers)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Provider{}, nil
	}
	if err != nil {
		return account.Provider{}, fmt.Errorf("read the sign-in provider of organisation %d: %w", org, err)
	}
	p.Domains = strings.Fields(domains)
	return p, nil
}

// SetProvider implements account.Store.
func (db *DB) SetProvider(ctx context.Context, p account.Provider, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM provider WHERE org_id = $1`, e.Org); err != nil {
			return err
		}
		if p.On() {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO provider (org_id, name, issuer, client_id, sealed, domains, newcomers) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				e.Org, storable(p.Name), p.Issuer, p.ClientID, p.Sealed, strings.Join(p.Domains, " "), string(p.Newcomers))
			if err != nil {
				return err
			}
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("set the sign-in provider of organisation %d: %w", e.Org, err)
	}
	return nil
}

// OrganisationFor implements account.Store.
func (db *DB) OrganisationFor(ctx context.Context, publicID string) (org int64, err error) {
	var n int
	err = db.read.QueryRowContext(ctx, `
		SELECT COUNT(*), COALESCE(MAX(org_id), 0) FROM organisation WHERE $1 = '' OR public_id = $1`, publicID).Scan(&n, &org)
	if err != nil {
		return 0, fmt.Errorf("look up an organisation: %w", err)
	}
	if n != 1 {
		return 0, fault.Errorf(fault.NotFound, "no such organisation")
	}
	return org, nil
}

// Known implements account.Store.
func (db *DB) Known(ctx context.Context, org int64, issuer, subject string) (account.Member, error) {
	var id int64
	err := db.read.QueryRowContext(ctx, `
		SELECT member_id FROM external_login WHERE org_id = $1 AND issuer = $2 AND subject = $3`, org, issuer, subject).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Member{}, fault.Errorf(fault.NotFound, "nobody came by it before")
	}
	if err != nil {
		return account.Member{}, fmt.Errorf("look up who came by a provider: %w", err)
	}
	return db.Member(ctx, org, id)
}

// Link implements account.Store.
func (db *DB) Link(ctx context.Context, m account.Member, who account.Person, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if _, err := lockMember(ctx, tx, m.Org, m.ID); err != nil {
			return err
		}
		if err := link(ctx, tx, m, who); err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("link member %d/%d with a provider: %w", m.Org, m.ID, err)
	}
	return nil
}

func link(ctx context.Context, tx *sql.Tx, m account.Member, who account.Person) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO external_login (org_id, issuer, subject, member_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id, issuer, subject) DO UPDATE SET member_id = excluded.member_id`, m.Org, who.Issuer, who.Subject, m.ID)
	return err
}

// Join implements account.Store.
func (db *DB) Join(ctx context.Context, login account.Login, who account.Person, e audit.Entry) (m account.Member, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if m, err = addMember(ctx, tx, login, e.At); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitation WHERE tenant = $1 AND LOWER(email) = $2`, m.Org, account.FoldEmail(m.Email)); err != nil {
			return err
		}
		if err := link(ctx, tx, m, who); err != nil {
			return err
		}
		e := e
		e.Actor.Member = m.ID
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return account.Member{}, fmt.Errorf("make a member of who came by a provider: %w", err)
	}
	return m, nil
}
