package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"headroom/internal/hub/usage"
)

// Block implements usage.Store. It reads the open block before the pack, and
// needs no transaction: a block is packed in the transaction that closes it, and
// an open one has all that the packed one has.
func (db reader) Block(ctx context.Context, org, server int64, day int32) (usage.Block, error) {
	b := &block{day: day, server: server}
	var data []byte
	err := db.lookup(ctx, `
		SELECT version, data FROM block WHERE org_id = $1 AND server_id = $2 AND day = $3`, org, server, day).Scan(&b.version, &data)
	switch {
	case err == nil:
		err = b.split(data)
	case errors.Is(err, sql.ErrNoRows):
		b, err = packedBlock(ctx, keptParsed{db}, packKey{org: org, day: day, part: partOf(server)}, server)
	}
	switch {
	case err != nil:
		return usage.Block{}, fmt.Errorf("read day %d of license server %d: %w", day, server, err)
	case b == nil:
		return usage.Block{}, db.mustExist(ctx, org, 0)
	}
	return usage.Block{Server: b.server, Version: b.version, Head: b.head, Body: b.body}, nil
}

// A rower runs queries for one row.
type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// KeptParsed runs queries for one row as lookups.
type keptParsed struct{ reader }

func (k keptParsed) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return k.lookup(ctx, query, args...)
}

// packedBlock returns a server's block in a pack, nil where it is not there.
// Most packs that are asked do not have the server: they belong to days from
// before it was read, so the bodies are looked at only if they are needed. A
// packer may change the pack between the two statements; then it has another
// number.
func packedBlock(ctx context.Context, tx rower, k packKey, server int64) (*block, error) {
	for {
		var number int64
		var heads []byte
		err := tx.QueryRowContext(ctx, `
			SELECT number, heads FROM pack WHERE org_id = $1 AND day = $2 AND part = $3`,
			k.org, k.day, k.part).Scan(&number, &heads)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, k.fail(err)
		}
		blocks, err := k.decode(nil, heads)
		if err != nil {
			return nil, err
		}
		b, at := find(blocks, server)
		if b == nil {
			return nil, nil
		}
		err = tx.QueryRowContext(ctx, `
			SELECT substr(bodies, $5, $6) FROM pack WHERE org_id = $1 AND day = $2 AND part = $3 AND number = $4`,
			k.org, k.day, k.part, number, at+1, b.size).Scan(&b.body)
		if !errors.Is(err, sql.ErrNoRows) {
			return b, err
		}
	}
}

// find returns the block of a server, nil if it is not there, and where its
// body begins.
func find(blocks []block, server int64) (b *block, at int) {
	for i := range blocks {
		if blocks[i].server == server {
			return &blocks[i], at
		}
		at += blocks[i].size
	}
	return nil, 0
}
