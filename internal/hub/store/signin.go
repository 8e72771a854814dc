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

// BeginSignIn implements account.Store.
func (db *DB) BeginSignIn(ctx context.Context, m account.Member, in account.SignIn) (id int64, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if id, err = nextID(ctx, tx, m.Org, "signin"); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO signin (org_id, member_id, signin_id, begun, seen, address, browser) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			m.Org, m.ID, id, stamp(in.Begun), stamp(in.Seen), in.Address, storable(in.Browser))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keep where member %d/%d is signed in: %w", m.Org, m.ID, err)
	}
	return id, nil
}

// seenStep is how much later somebody has to be seen before that is written down.
const seenStep = time.Minute

// SeeSignIn implements account.Store. Every page view asks this.
func (db *DB) SeeSignIn(ctx context.Context, org, member, id int64, now time.Time) (account.Member, error) {
	m := account.Member{Org: org, ID: member}
	var seen int64
	err := db.lookup(ctx, `
		SELECT m.email, m.name, m.role, COALESCE(f.since, 0) > 0, s.seen
		FROM signin s JOIN member m ON m.org_id = s.org_id AND m.member_id = s.member_id
			LEFT JOIN second_factor f ON f.org_id = m.org_id AND f.member_id = m.member_id
		WHERE s.org_id = $1 AND s.member_id = $2 AND s.signin_id = $3 AND m.removed_at = 0`, org, member, id).
		Scan(&m.Email, &m.Name, &m.Role, &m.Codes, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Member{}, fault.Errorf(fault.NotFound, "signed in nowhere")
	}
	if err == nil && stamp(now) >= seen+seenStep.Milliseconds() {
		_, err = db.write.ExecContext(ctx, `
			UPDATE signin SET seen = $4 WHERE org_id = $1 AND member_id = $2 AND signin_id = $3`, org, member, id, stamp(now))
	}
	if err != nil {
		return account.Member{}, fmt.Errorf("look up where member %d/%d is signed in: %w", org, member, err)
	}
	return m, nil
}

// SignIns implements account.Store.
func (db *DB) SignIns(ctx context.Context, org, member int64, begunAfter, seenAfter time.Time) (all []account.SignIn, err error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT signin_id, begun, seen, address, browser FROM signin
		WHERE org_id = $1 AND member_id = $2 AND begun > $3 AND seen > $4 ORDER BY signin_id DESC`,
		org, member, stamp(begunAfter), stamp(seenAfter))
	if err != nil {
		return nil, fmt.Errorf("list where member %d/%d is signed in: %w", org, member, err)
	}
	defer rows.Close()
	for rows.Next() {
		var in account.SignIn
		var begun, seen int64
		if err := rows.Scan(&in.ID, &begun, &seen, &in.Address, &in.Browser); err != nil {
			return nil, fmt.Errorf("list where member %d/%d is signed in: %w", org, member, err)
		}
		in.Begun, in.Seen = instant(begun), instant(seen)
		all = append(all, in)
	}
	return all, rows.Err()
}

// EndSignIn implements account.Store.
func (db *DB) EndSignIn(ctx context.Context, org, member, id int64, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			DELETE FROM signin WHERE org_id = $1 AND member_id = $2 AND signin_id = $3`, org, member, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fault.Errorf(fault.NotFound, "you are not signed in there any more"))
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("sign member %d/%d out: %w", org, member, err)
	}
	return nil
}
