package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// A part is a table or an index of a database file.
type part struct {
	Name    string
	Bytes   int64 // of its pages
	Payload int64 // of them, what is data
}

// measureFile returns the bytes of a SQLite file whose log is folded in, and
// the parts that they are, largest first. Nothing is vacuumed: that is what
// the disk has to have.
func measureFile(ctx context.Context, file string) (bytes int64, parts []part, err error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var busy, logged, folded int
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &logged, &folded); err != nil {
		return 0, nil, err
	}
	if busy != 0 {
		return 0, nil, fmt.Errorf("%s: somebody still uses it", file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, nil, err
	}
	parts, err = partsOf(ctx, db)
	return info.Size(), parts, err
}

func partsOf(ctx context.Context, db *sql.DB) ([]part, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT name, sum(pgsize) AS bytes, sum(payload) FROM dbstat GROUP BY name
		UNION ALL
		SELECT 'free pages', freelist_count * page_size, 0 FROM pragma_freelist_count(), pragma_page_size()
		ORDER BY bytes DESC`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []part
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.Name, &p.Bytes, &p.Payload); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
