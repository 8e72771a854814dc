package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Purge implements erasure.Store. What is deleted goes in small transactions,
// between which others have their turn; a process that ends in the midst goes on
// where it was. The old numbers are forgotten last, once nothing bears them and
// the engine has given its pages back.
func (db *DB) Purge(ctx context.Context) error {
	gone, err := db.erasedServers(ctx)
	if err != nil || len(gone) == 0 {
		return err
	}
	for _, s := range gone {
		if err := db.purgeServer(ctx, s); err != nil {
			return fmt.Errorf("take away deleted usage data of organisation %d: %w", s.org, err)
		}
	}
	if err := db.giveBack(ctx); err != nil {
		return fmt.Errorf("give back the pages of deleted usage data: %w", err)
	}
	for _, s := range gone {
		_, err := db.write.ExecContext(ctx, `DELETE FROM erased WHERE org_id = $1 AND server_id = $2`, s.org, s.server)
		if err != nil {
			return fmt.Errorf("note what was taken away: %w", err)
		}
	}
	return nil
}

// An erasedServer is a number that a license server had.
type erasedServer struct{ org, server int64 }

func (db *DB) erasedServers(ctx context.Context) (all []erasedServer, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT org_id, server_id FROM erased WHERE org_id <> 0 ORDER BY at, org_id, server_id`)
	if err != nil {
		return nil, fmt.Errorf("list what was deleted: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s erasedServer
		if err := rows.Scan(&s.org, &s.server); err != nil {
			return nil, fmt.Errorf("list what was deleted: %w", err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// purgeServer takes away what bears a number. Open blocks go while no packer
// runs: those that come after it find none, and what those before it packed is
// seen by the statement that lists packs.
func (db *DB) purgeServer(ctx context.Context, s erasedServer) error {
	for _, part := range []string{
		`DELETE FROM denial WHERE org_id = $1 AND server_id = $2 AND at <=
			(SELECT MAX(at) FROM (SELECT at FROM denial WHERE org_id = $1 AND server_id = $2 ORDER BY at LIMIT 2000) first)`,
		`DELETE FROM assignment WHERE org_id = $1 AND server_id = $2 AND pool_id =
			(SELECT MIN(pool_id) FROM assignment WHERE org_id = $1 AND server_id = $2)`,
		`DELETE FROM imported WHERE org_id = $1 AND server_id = $2`,
		`DELETE FROM block WHERE org_id = $1 AND server_id = $2 AND day <=
			(SELECT MAX(day) FROM (SELECT day FROM block WHERE org_id = $1 AND server_id = $2 ORDER BY day LIMIT 500) first)`,
	} {
		for {
			n, err := db.purgeSome(ctx, s, part)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	days, err := db.packedDays(ctx, s)
	if err != nil {
		return err
	}
	for _, day := range days {
		k := packKey{org: s.org, day: day, part: partOf(s.server)}
		if err := db.purgePack(ctx, k, s.server); err != nil {
			return fmt.Errorf("UTC day %d: %w", day, err)
		}
	}
	return nil
}

func (db *DB) purgeSome(ctx context.Context, s erasedServer, statement string) (n int64, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		if err := lockPacks(ctx, tx, s.org); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, statement, s.org, s.server)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// packedDays lists the days of which there is a pack of a server's part.
func (db *DB) packedDays(ctx context.Context, s erasedServer) (days []int32, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT day FROM pack WHERE org_id = $1 AND part = $2 ORDER BY day`, s.org, partOf(s.server))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var day int32
		if err := rows.Scan(&day); err != nil {
			return nil, err
		}
		days = append(days, day)
	}
	return days, rows.Err()
}

// purgePack writes a pack without a server's block, if it has one.
func (db *DB) purgePack(ctx context.Context, k packKey, server int64) error {
	if b, err := packedBlock(ctx, db.read, k, server); err != nil || b == nil {
		return err
	}
	return db.tx(ctx, func(tx *sql.Tx) error {
		if err := lockPacks(ctx, tx, k.org); err != nil {
			return err
		}
		blocks, err := readPack(ctx, tx, k)
		if err != nil {
			return err
		}
		if blocks = slices.DeleteFunc(blocks, func(b block) bool { return b.server == server }); len(blocks) > 0 {
			return writePack(ctx, tx, k, blocks)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM pack WHERE org_id = $1 AND day = $2 AND part = $3`, k.org, k.day, k.part)
		return err
	})
}

// errInUse says that a page is still being read.
var errInUse = errors.New("somebody still reads the write-ahead log")

// giveBack makes the engine forget the content of pages that are free. SQLite
// writes its file anew and empties the log; secure_delete alone leaves some behind.
// PostgreSQL frees the rows, and writes over them by and by.
func (db *DB) giveBack(ctx context.Context) error {
	if db.name != "sqlite" {
		_, err := db.write.ExecContext(ctx, `VACUUM`)
		return err
	}
	if _, err := db.write.ExecContext(ctx, `VACUUM`); err != nil {
		return err
	}
	var busy, frames, moved int
	if err := db.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return errInUse
	}
	return nil
}
