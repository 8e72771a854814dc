package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"headroom/internal/fault"
	"headroom/internal/series"
)

// merge adds a day whose pools have the batch's numbers.
func (s *serverState) merge(day series.Day, ids []series.PoolID) {
	pools := slices.Clone(day.Pools)
	for i := range pools {
		pools[i].Pool = ids[pools[i].Pool]
	}
	slices.SortFunc(pools, func(a, b series.PoolDay) int { return cmp.Compare(a.Pool, b.Pool) })
	day.Pools = pools
	if other, ok := s.days[day.Number]; ok {
		day = series.Merge(other, day)
	}
	s.days[day.Number] = day
}

// saveBlocks writes the days, with what there is of them in packs. It comes
// after mergeOpen.
func (s *serverState) saveBlocks(ctx context.Context, tx handle, newest newestPacks) error {
	for _, number := range slices.Sorted(maps.Keys(s.days)) {
		if err := s.mergePacked(ctx, tx, number, newest); err != nil {
			return err
		}
		day, ok := s.days[number]
		if !ok {
			continue
		}
		if err := checkSize(day); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO block (org_id, server_id, day, version, data) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (org_id, server_id, day) DO UPDATE SET version = excluded.version, data = excluded.data`,
			s.org, s.id, number, s.revision, series.Encode(day))
		if err != nil {
			return fmt.Errorf("keep day %d: %w", number, err)
		}
		if err := s.saveImported(ctx, tx, &day); err != nil {
			return fmt.Errorf("keep day %d: %w", number, err)
		}
	}
	return nil
}

// mergeOpen merges the open blocks that there are into the days, and notes of
// which days they were. A day that says nothing new is taken out: its block
// stays as it is.
func (s *serverState) mergeOpen(ctx context.Context, tx handle) error {
	if len(s.days) == 0 {
		return nil
	}
	numbers := slices.Sorted(maps.Keys(s.days))
	rows, err := tx.QueryContext(ctx, `
		SELECT day, data FROM block WHERE org_id = $1 AND server_id = $2 AND day >= $3 AND day <= $4`,
		s.org, s.id, numbers[0], numbers[len(numbers)-1])
	if err != nil {
		return err
	}
	defer rows.Close()
	s.open = map[int32]bool{}
	for rows.Next() {
		var number int32
		var block []byte
		if err := rows.Scan(&number, &block); err != nil {
			return err
		}
		s.open[number] = true
		if err := s.mergeBlock(number, block); err != nil {
			return err
		}
	}
	return rows.Err()
}

// mergePacked merges the packed block of a day, if there is one and it is not
// open: an open block has all that the packed one has.
func (s *serverState) mergePacked(ctx context.Context, tx handle, number int32, newest newestPacks) error {
	if s.open[number] {
		return nil
	}
	last, err := newest.of(ctx, tx, s.org)
	if err != nil || number > last {
		return err
	}
	packed, err := s.packedBlock(ctx, tx, number)
	if err != nil || packed == nil {
		return err
	}
	return s.mergeBlock(number, packed)
}

// newestPacks are the newest days of organisations that have a pack: most
// batches bring days of which nothing is packed yet. They are asked for once in
// a transaction, after all open blocks were: until then an open block may
// become a packed one.
type newestPacks map[int64]int32

func (n newestPacks) of(ctx context.Context, tx handle, org int64) (int32, error) {
	if day, ok := n[org]; ok {
		return day, nil
	}
	var day int32
	err := tx.QueryRowContext(ctx, `
		SELECT day FROM pack WHERE org_id = $1 ORDER BY day DESC LIMIT 1`, org).Scan(&day)
	if errors.Is(err, sql.ErrNoRows) {
		day, err = math.MinInt32, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up the newest pack: %w", err)
	}
	n[org] = day
	return day, nil
}

// mergeBlock merges the block that there is of a day, if the day is one of
// those that are to be merged.
func (s *serverState) mergeBlock(number int32, block []byte) error {
	add, ok := s.days[number]
	if !ok {
		return nil
	}
	old, err := series.Decode(block)
	if err != nil {
		return fmt.Errorf("read day %d: %w", number, err)
	}
	if imported, _ := series.Imported(&old); imported {
		if s.past == nil {
			s.past = map[int32]bool{}
		}
		s.past[number] = true
	}
	day := series.Merge(old, add)
	if checkSize(day) == nil && bytes.Equal(series.Encode(day), block) {
		delete(s.days, number)
	} else {
		s.days[number] = day
	}
	return nil
}

// packedBlock returns the server's block in the pack of a day, nil where there
// is none.
func (s *serverState) packedBlock(ctx context.Context, tx handle, day int32) ([]byte, error) {
	b, err := packedBlock(ctx, tx, packKey{org: s.org, day: day, part: partOf(s.id)}, s.id)
	if b == nil || err != nil {
		return nil, err
	}
	return append(b.head, b.body...), nil
}

// checkSize refuses what Decode would not take.
func checkSize(day series.Day) error {
	n := 0
	for _, p := range day.Pools {
		n += len(p.Samples) + len(p.Steps) + len(p.Maxima)
	}
	if n > series.MaxSamples {
		return fault.Errorf(fault.Invalid, "UTC day %d of this license server would have %d values, and %d is the limit: "+
			"read it less often", day.Number, n, series.MaxSamples)
	}
	return nil
}
