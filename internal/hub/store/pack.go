package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"headroom/internal/series"
)

// packCounter numbers the packs of an organisation.
const packCounter = "pack"

// Pack closes the UTC days before one: it moves their blocks from rows of
// their own into the packs of their days, and returns how many. What is asked
// of the store has the same answer before and after. A damaged pack or block
// is left as it is, beside the others of its part, and told at the end.
func (db *DB) Pack(ctx context.Context, before int32) (packed int, err error) {
	orgs, err := db.organisations(ctx)
	if err != nil {
		return 0, fmt.Errorf("pack days: %w", err)
	}
	var damages []error
	for _, org := range orgs {
		open, err := db.openParts(ctx, org, before)
		if err != nil {
			return packed, fmt.Errorf("pack days of organisation %d: %w", org, err)
		}
		for _, k := range open {
			n, err := db.packPart(ctx, k)
			packed += n
			switch {
			case errors.Is(err, errDamaged):
				damages = append(damages, err)
			case err != nil:
				return packed, fmt.Errorf("pack day %d, part %d of organisation %d: %w", k.day, k.part, k.org, err)
			}
		}
	}
	return packed, errors.Join(damages...)
}

func (db *DB) organisations(ctx context.Context) (orgs []int64, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT org_id FROM organisation ORDER BY org_id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var org int64
		if err := rows.Scan(&org); err != nil {
			return nil, err
		}
		orgs = append(orgs, org)
	}
	return orgs, rows.Err()
}

// openParts lists the parts of days that have something to pack.
func (db *DB) openParts(ctx context.Context, org int64, before int32) (open []packKey, err error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT DISTINCT day, server_id >> 8 FROM block
		WHERE org_id = $1 AND day < $2 AND length(data) <= $3 ORDER BY 1, 2`, org, before, maxPacked)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k := packKey{org: org}
		if err := rows.Scan(&k.day, &k.part); err != nil {
			return nil, err
		}
		open = append(open, k)
	}
	return open, rows.Err()
}

// packPart moves the open blocks of a part of a day into its pack, in a
// transaction of its own: SQLite's only writer is soon free again.
//
// Other hub processes may do the same, and ingest runs beside it. On SQLite
// one waits for the other. On PostgreSQL each statement of a transaction
// (READ COMMITTED) sees what was committed when it began:
//
//   - Two packers. The counter's row is locked before anything is read, so that
//     the second one finds the pack and the open blocks as the first one left
//     them. Packs also become visible in the order of their numbers: whoever
//     has seen a number has seen every pack up to it.
//   - Ingest has written a block and not committed it. The DELETE waits for it
//     and takes the row as it is then, or ingest's row is new and the DELETE
//     does not see it: the row stays for the next time. What is deleted is what
//     the DELETE returned, and that is what is packed.
//   - Ingest read the open block, and it is packed before ingest writes. Its
//     upsert waits for this transaction and then inserts: the row holds all
//     that was packed and what came on top, at a higher version, and counts
//     before the pack until it is packed itself.
//   - Ingest finds no open block. It asks for the newest pack, and looks into
//     that of the day, with statements that begin after that: if there was a
//     block, the transaction that packed it was committed, and its pack is seen.
//     Ingest holds the row of the license server: nobody else makes a block of
//     that server meanwhile.
//
// The two wait for each other's rows of blocks in no common order. Where both
// have late data of one old day in hand PostgreSQL may end one of them; tx runs
// it again.
func (db *DB) packPart(ctx context.Context, k packKey) (n int, err error) {
	err = db.tx(ctx, func(tx *sql.Tx) error {
		n = 0
		if err := lockPacks(ctx, tx, k.org); err != nil {
			return err
		}
		open, err := takeOpen(ctx, tx, k)
		if err != nil || len(open) == 0 {
			return err
		}
		packed, err := readPack(ctx, tx, k)
		if err != nil {
			return err
		}
		n = len(open)
		return writePack(ctx, tx, k, replace(packed, open))
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// lockPacks keeps other packers out until the transaction ends: an update that
// changes nothing locks the row.
func lockPacks(ctx context.Context, tx *sql.Tx, org int64) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO counter (org_id, name, n) VALUES ($1, $2, 0)
		ON CONFLICT (org_id, name) DO UPDATE SET n = counter.n`, org, packCounter)
	return err
}

// takeOpen deletes the open blocks of a part of a day and returns them,
// ascending by server.
func takeOpen(ctx context.Context, tx *sql.Tx, k packKey) (open []block, err error) {
	rows, err := tx.QueryContext(ctx, `
		DELETE FROM block
		WHERE org_id = $1 AND day = $2 AND server_id >= $3 AND server_id < $4 AND length(data) <= $5
		RETURNING server_id, version, data`,
		k.org, k.day, k.part<<partBits, (k.part+1)<<partBits, maxPacked)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		b := block{day: k.day}
		var data []byte
		if err := rows.Scan(&b.server, &b.version, &data); err != nil {
			return nil, err
		}
		if err := b.split(data); err != nil {
			return nil, fmt.Errorf("block of organisation %d, %w", k.org, err)
		}
		open = append(open, b)
	}
	slices.SortFunc(open, func(a, b block) int { return cmp.Compare(a.server, b.server) })
	return open, rows.Err()
}

// split takes the content of an open block apart.
func (b *block) split(data []byte) (err error) {
	if b.head, b.body, err = series.Split(data); err == nil {
		// A damaged head would be believed: it alone tells where to look.
		err = series.Check(b.head, b.body)
	}
	if err != nil {
		return fmt.Errorf("day %d of license server %d: %w: %w", b.day, b.server, errDamaged, err)
	}
	b.size = len(b.body)
	return nil
}

// readPack returns the blocks of a pack, none where there is no pack.
func readPack(ctx context.Context, tx *sql.Tx, k packKey) ([]block, error) {
	var heads, bodies []byte
	err := tx.QueryRowContext(ctx, `
		SELECT heads, bodies FROM pack WHERE org_id = $1 AND day = $2 AND part = $3`,
		k.org, k.day, k.part).Scan(&heads, &bodies)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	blocks, err := k.decode(nil, heads)
	if err != nil {
		return nil, err
	}
	return blocks, k.fill(blocks, bodies)
}

// replace returns the packed blocks of a part of a day with the open ones in
// their places. An open block has all that the packed one has.
func replace(packed, open []block) []block {
	var all []block
	w := weave{kept: open, out: func(b *block) bool {
		all = append(all, *b)
		return true
	}}
	for i := range packed {
		w.add(&packed[i])
	}
	w.end()
	return all
}

func writePack(ctx context.Context, tx *sql.Tx, k packKey, blocks []block) error {
	number, err := nextID(ctx, tx, k.org, packCounter)
	if err != nil {
		return err
	}
	heads, bodies := k.encode(blocks)
	_, err = tx.ExecContext(ctx, `
		INSERT INTO pack (org_id, day, part, number, heads, bodies) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (org_id, day, part) DO UPDATE
		SET number = excluded.number, heads = excluded.heads, bodies = excluded.bodies`,
		k.org, k.day, k.part, number, heads, bodies)
	return err
}
