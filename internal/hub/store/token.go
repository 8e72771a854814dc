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

// Tokens implements account.Store.
func (db *DB) Tokens(ctx context.Context, org int64) (all []account.Token, err error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT token_id, tenant, name, role, made_by, created, expires, used, erases FROM api_token
		WHERE tenant = $1 ORDER BY token_id DESC`, org)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("list tokens: %w", err)
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

func scanToken(row scanner) (t account.Token, err error) {
	var created, expires, used, erases int64
	err = row.Scan(&t.ID, &t.Org, &t.Name, &t.Role, &t.MadeBy, &created, &expires, &used, &erases)
	t.Created, t.Expires, t.Used, t.Erases = instant(created), instant(expires), instant(used), instant(erases)
	return t, err
}

// MakeToken implements account.Store.
func (db *DB) MakeToken(ctx context.Context, tokenHash []byte, t account.Token, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		id, err := nextID(ctx, tx, t.Org, "api_token")
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO api_token (token_hash, tenant, token_id, name, role, made_by, created, expires, erases)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			hex.EncodeToString(tokenHash), t.Org, id, t.Name, string(t.Role), t.MadeBy, stamp(t.Created), stamp(t.Expires), stamp(t.Erases))
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	return nil
}

// RevokeToken implements account.Store.
func (db *DB) RevokeToken(ctx context.Context, id int64, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		e := e
		err := tx.QueryRowContext(ctx, `
			DELETE FROM api_token WHERE tenant = $1 AND token_id = $2 RETURNING name`, e.Org, id).Scan(&e.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "no such token: it was revoked")
		}
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("revoke token %d/%d: %w", e.Org, id, err)
	}
	return nil
}

// usedStep is how much later a token has to be used before that is written down.
const usedStep = time.Hour

// UseToken implements account.Store. Every request of a program asks this.
func (db *DB) UseToken(ctx context.Context, tokenHash []byte, now time.Time) (account.Token, error) {
	t, err := scanToken(db.lookup(ctx, `
		SELECT token_id, tenant, name, role, made_by, created, expires, used, erases FROM api_token
		WHERE token_hash = $1 AND expires > $2`, hex.EncodeToString(tokenHash), stamp(now)))
	if errors.Is(err, sql.ErrNoRows) {
		return account.Token{}, fault.Errorf(fault.NotFound, "no such token")
	}
	if err == nil && now.Sub(t.Used) >= usedStep {
		_, err = db.write.ExecContext(ctx, `
			UPDATE api_token SET used = $3 WHERE tenant = $1 AND token_id = $2`, t.Org, t.ID, stamp(now))
		t.Used = now
	}
	if err != nil {
		return account.Token{}, fmt.Errorf("look up a token: %w", err)
	}
	return t, nil
}
