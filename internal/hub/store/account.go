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
	"headroom/internal/hub/retention"
)

// setupToken is the name in meta of the hash of the set-up link's token.
const setupToken = "setup_token"

// SetSetupToken implements account.Store.
func (db *DB) SetSetupToken(ctx context.Context, tokenHash []byte) (set bool, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		founded, err := hasOrganisation(ctx, tx)
		if set = !founded; err != nil || founded {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO meta (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, setupToken, hex.EncodeToString(tokenHash))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("set the set-up token: %w", err)
	}
	return set, nil
}

// SetupToken implements account.Store.
func (db *DB) SetupToken(ctx context.Context) ([]byte, error) {
	var value string
	err := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, setupToken).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the set-up token: %w", err)
	}
	return hex.DecodeString(value)
}

// Setup implements account.Store.
func (db *DB) Setup(ctx context.Context, tokenHash []byte, org account.Organisation, login account.Login, e audit.Entry) (m account.Member, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		// Whoever deletes the token is the one who sets up.
		res, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE name = $1 AND value = $2`, setupToken, hex.EncodeToString(tokenHash))
		if err != nil {
			return err
		}
		used, err := res.RowsAffected()
		if err != nil {
			return err
		}
		founded, err := hasOrganisation(ctx, tx)
		if err != nil {
			return err
		}
		if used == 0 || founded {
			return fault.Errorf(fault.NotFound, "the set-up token is not valid")
		}
		if m, err = found(ctx, tx, org, login); err != nil {
			return err
		}
		e := e
		e.Org, e.Actor.Org, e.Actor.Member = m.Org, m.Org, m.ID
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return account.Member{}, fmt.Errorf("set up: %w", err)
	}
	return m, nil
}

func hasOrganisation(ctx context.Context, tx *sql.Tx) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM organisation`).Scan(&n)
	return n > 0, err
}

// found makes an organisation with its first member.
func found(ctx context.Context, tx *sql.Tx, org account.Organisation, login account.Login) (account.Member, error) {
	var err error
	if login.Member.Org, err = addOrganisation(ctx, tx, org); err != nil {
		return account.Member{}, err
	}
	return addMember(ctx, tx, login, org.Created)
}

func addOrganisation(ctx context.Context, tx *sql.Tx, org account.Organisation) (id int64, err error) {
	if id, err = nextID(ctx, tx, 0, "organisation"); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO organisation (org_id, public_id, name, zone, created) VALUES ($1, $2, $3, $4, $5)`,
		id, org.PublicID, org.Name, org.Zone, stamp(org.Created))
	return id, err
}

// AddOrganisation implements account.Store.
func (db *DB) AddOrganisation(ctx context.Context, org account.Organisation, tokenHash []byte, inv account.Invitation, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		id, err := addOrganisation(ctx, tx, org)
		if err != nil {
			return err
		}
		inv, e := inv, e
		inv.Org, e.Org, e.Actor.Org = id, id, id
		if err := addInvitation(ctx, tx, tokenHash, inv); err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("add an organisation: %w", err)
	}
	return nil
}

// Login implements account.Store.
func (db *DB) Login(ctx context.Context, address string) (l account.Login, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT tenant, member_id, password FROM login WHERE email = $1`, address).
		Scan(&l.Member.Org, &l.Member.ID, &l.Password)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Login{}, fault.Errorf(fault.NotFound, "no such login")
	}
	if err != nil {
		return account.Login{}, fmt.Errorf("read a login: %w", err)
	}
	l.Member, err = db.Member(ctx, l.Member.Org, l.Member.ID)
	return l, err
}

// Member implements account.Store.
func (db *DB) Member(ctx context.Context, org, id int64) (account.Member, error) {
	m := account.Member{Org: org, ID: id}
	err := db.read.QueryRowContext(ctx, `
		SELECT m.email, m.name, m.role, COALESCE(f.since, 0) > 0
		FROM member m LEFT JOIN second_factor f ON f.org_id = m.org_id AND f.member_id = m.member_id
		WHERE m.org_id = $1 AND m.member_id = $2 AND m.removed_at = 0`, org, id).
		Scan(&m.Email, &m.Name, &m.Role, &m.Codes)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Member{}, fault.Errorf(fault.NotFound, "no such member")
	}
	if err != nil {
		return account.Member{}, fmt.Errorf("read member %d/%d: %w", org, id, err)
	}
	return m, nil
}

// OrganisationByID implements account.Store.
func (db reader) OrganisationByID(ctx context.Context, org int64) (account.Organisation, error) {
	o := account.Organisation{ID: org}
	var created, reporting, listed, awaited, trimmed int64
	err := db.lookup(ctx, `
		SELECT public_id, name, zone, created, reporting, listed, awaited, keep_days, trimmed_before, codes > 0 FROM organisation WHERE org_id = $1`, org).
		Scan(&o.PublicID, &o.Name, &o.Zone, &created, &reporting, &listed, &awaited, &o.KeepDays, &trimmed, &o.Codes)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Organisation{}, fault.Errorf(fault.NotFound, "no such organisation")
	}
	if err != nil {
		return account.Organisation{}, fmt.Errorf("read organisation %d: %w", org, err)
	}
	o.Created = instant(created)
	if trimmed != 0 {
		o.Trimmed = retention.Instant(int32(trimmed))
	}
	o.Reporting, o.Listed, o.Awaited = length(reporting), length(listed), length(awaited)
	return o, nil
}

// length is how long something takes that tables keep in milliseconds.
func length(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// OrganisationName implements registration.Store.
func (db *DB) OrganisationName(ctx context.Context, org int64) (publicID, name string, err error) {
	o, err := db.OrganisationByID(ctx, org)
	return o.PublicID, o.Name, err
}
