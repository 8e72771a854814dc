package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/audit"
)

// auditCounter numbers the entries of an organisation's audit log.
const auditCounter = "audit"

// noteAct writes an entry of the audit log, in the transaction of what it tells. It
// comes last in it: from here on the organisation's other acts wait, and two that
// took locks in another order would lose against each other.
func noteAct(ctx context.Context, tx *sql.Tx, e audit.Entry) error {
	seq, err := nextID(ctx, tx, e.Org, auditCounter)
	if err != nil {
		return err
	}
	before, err := lastHash(ctx, tx, e.Org)
	if err != nil {
		return fmt.Errorf("read the head of the audit log: %w", err)
	}
	e.Seq, e.At = seq, instant(stamp(e.At))
	e.Actor.Name, e.Actor.Address, e.Subject, e.Detail = storable(e.Actor.Name), storable(e.Actor.Address), storable(e.Subject), storable(e.Detail)
	hash := e.Chain(before)
	_, err = tx.ExecContext(ctx, `
		INSERT INTO audit (org_id, seq, at, act, member_id, actor, address, subject, detail, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.Org, e.Seq, stamp(e.At), string(e.Act), e.Actor.Member, e.Actor.Name, e.Actor.Address, e.Subject, e.Detail, hash[:])
	if err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	return nil
}

// storable is a text as both engines keep it byte for byte: what was hashed is
// what is read.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

func lastHash(ctx context.Context, tx *sql.Tx, org int64) (h audit.Hash, err error) {
	var kept []byte
	err = tx.QueryRowContext(ctx, `SELECT hash FROM audit WHERE org_id = $1 ORDER BY seq DESC LIMIT 1`, org).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	copy(h[:], kept)
	return h, err
}

// Note writes an entry of the audit log about what is not kept in this database
// otherwise.
func (db *DB) Note(ctx context.Context, e audit.Entry) error {
	return db.tx(ctx, func(tx *sql.Tx) error { return noteAct(ctx, tx, e) })
}

// Entries returns the entries of an organisation's audit log that a query
// chooses, newest first. Names are compared here: the engines do not agree on what
// small letters are.
func (db *DB) Entries(ctx context.Context, org int64, q audit.Query) ([]audit.Entry, error) {
	before, to := int64(math.MaxInt64), int64(math.MaxInt64)
	if q.Before > 0 {
		before = q.Before
	}
	if !q.To.IsZero() {
		to = stamp(q.To)
	}
	rows, err := db.read.QueryContext(ctx, `
		SELECT org_id, seq, at, act, member_id, actor, address, subject, detail, hash FROM audit
		WHERE org_id = $1 AND seq < $2 AND at >= $3 AND at < $4
		ORDER BY seq DESC`, org, before, stamp(q.From), to)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer rows.Close()
	var all []audit.Entry
	for rows.Next() && (q.Limit == 0 || len(all) < q.Limit) {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if q.Has(e) {
			all = append(all, e)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return all, nil
}

func scanEntry(row scanner) (e audit.Entry, err error) {
	var at int64
	var hash []byte
	err = row.Scan(&e.Org, &e.Seq, &at, &e.Act, &e.Actor.Member, &e.Actor.Name, &e.Actor.Address, &e.Subject, &e.Detail, &hash)
	e.At, e.Actor.Org = time.UnixMilli(at).UTC(), e.Org
	copy(e.Hash[:], hash)
	return e, err
}

// AuditHead implements audit.HeadStore.
func (db *DB) AuditHead(ctx context.Context, org int64) (publicID string, head audit.Checkpoint, err error) {
	var hash []byte
	err = db.lookup(ctx, `
		SELECT o.public_id, a.seq, a.hash FROM organisation o JOIN audit a ON a.org_id = o.org_id
		WHERE o.org_id = $1 ORDER BY a.seq DESC LIMIT 1`, org).Scan(&publicID, &head.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return "", audit.Checkpoint{}, nil
	}
	if err != nil {
		return "", audit.Checkpoint{}, fmt.Errorf("read the head of the audit log of organisation %d: %w", org, err)
	}
	copy(head.Head[:], hash)
	return publicID, head, nil
}

// AuditLog returns all entries of an organisation from the first on, and the
// number of the last one that was ever made.
func (db *DB) AuditLog(ctx context.Context, org int64) (entries iter.Seq2[audit.Entry, error], given int64, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT n FROM counter WHERE org_id = $1 AND name = $2`, org, auditCounter).Scan(&given)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, 0, fmt.Errorf("read the audit log: %w", err)
	}
	return func(yield func(audit.Entry, error) bool) {
		rows, err := db.read.QueryContext(ctx, `
			SELECT org_id, seq, at, act, member_id, actor, address, subject, detail, hash FROM audit
			WHERE org_id = $1 ORDER BY seq`, org)
		if err != nil {
			yield(audit.Entry{}, fmt.Errorf("read the audit log: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEntry(rows)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Entry{}, fmt.Errorf("read the audit log: %w", err))
		}
	}, given, nil
}

// Organisations returns all organisations of the hub, by their numbers.
func (db *DB) Organisations(ctx context.Context) (all []account.Organisation, err error) {
	ids, err := db.organisations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	for _, id := range ids {
		o, err := db.OrganisationByID(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}
