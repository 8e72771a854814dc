package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Charge implements account.Throttle and registration.Throttle.
func (db *DB) Charge(ctx context.Context, subject string, now time.Time, window time.Duration, wait func(n int) time.Duration) (left time.Duration, err error) {
	at := stamp(now)
	err = db.tx(ctx, func(tx *sql.Tx) error {
		left = 0
		var n int
		err := tx.QueryRowContext(ctx, `
			INSERT INTO attempt (subject, n, since, until) VALUES ($1, 1, $2, 0)
			ON CONFLICT (subject) DO UPDATE SET
				n = CASE WHEN attempt.since + $3 <= $2 THEN 1 ELSE attempt.n + 1 END,
				since = CASE WHEN attempt.since + $3 <= $2 THEN $2 ELSE attempt.since END
			WHERE attempt.until <= $2
			RETURNING n`, subject, at, window.Milliseconds()).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			var until int64
			if err := tx.QueryRowContext(ctx, `SELECT until FROM attempt WHERE subject = $1`, subject).Scan(&until); err != nil {
				return err
			}
			left = time.Duration(until-at) * time.Millisecond
			return nil
		}
		if err != nil {
			return err
		}
		return setUntil(ctx, tx, subject, at, wait(n))
	})
	if err != nil {
		return 0, fmt.Errorf("charge %s: %w", subject, err)
	}
	return left, nil
}

// Refund implements account.Throttle and registration.Throttle.
func (db *DB) Refund(ctx context.Context, subject string, now time.Time, wait func(n int) time.Duration) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		var n int
		err := tx.QueryRowContext(ctx, `
			UPDATE attempt SET n = n - 1 WHERE subject = $1 AND n > 0 RETURNING n`, subject).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // its window is over and swept
		}
		if err != nil {
			return err
		}
		return setUntil(ctx, tx, subject, stamp(now), wait(n))
	})
	if err != nil {
		return fmt.Errorf("refund %s: %w", subject, err)
	}
	return nil
}

func setUntil(ctx context.Context, tx *sql.Tx, subject string, at int64, wait time.Duration) error {
	until := int64(0)
	if wait > 0 {
		until = at + wait.Milliseconds()
	}
	_, err := tx.ExecContext(ctx, `UPDATE attempt SET until = $2 WHERE subject = $1`, subject, until)
	return err
}

// How long what ended is kept: long enough to be shown, and attempts longer than
// any window of theirs.
const (
	sweepAge   = 24 * time.Hour
	attemptAge = 31 * 24 * time.Hour
)

// Sweep deletes what is over: sessions that expired, unfinished registrations that
// ended a day before now, and attempts that ended a month before.
func (db *DB) Sweep(ctx context.Context, now time.Time) error {
	old := stamp(now.Add(-sweepAge))
	err := db.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM session WHERE expires <= $1`, stamp(now)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM attempt WHERE until < $1 AND since < $1`, stamp(now.Add(-attemptAge))); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM invitation WHERE expires < $1`, old); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM api_token WHERE expires < $1`, old); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM signin WHERE org_id > 0 AND begun < $1`, old); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM registration WHERE expires < $1`, old)
		return err
	})
	if err != nil {
		return fmt.Errorf("sweep what is over: %w", err)
	}
	return nil
}
