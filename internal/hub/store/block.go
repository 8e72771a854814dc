package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
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

// saveBlocks merges the days into the blocks that there are.
func (s *serverState) saveBlocks(ctx context.Context, tx handle) error {
	if len(s.days) == 0 {
		return nil
	}
	numbers := slices.Sorted(maps.Keys(s.days))
	if err := s.mergeBlocks(ctx, tx, numbers); err != nil {
		return err
	}
	for _, number := range numbers {
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
	}
	return nil
}

// mergeBlocks merges the blocks of some days, ascending, into what is to be
// merged. A day that says nothing new is taken out: its block stays as it is.
func (s *serverState) mergeBlocks(ctx context.Context, tx handle, numbers []int32) error {
	open, err := s.mergeOpen(ctx, tx, numbers[0], numbers[len(numbers)-1])
	if err != nil {
		return fmt.Errorf("read days: %w", err)
	}
	for _, number := range numbers {
		if open[number] {
			continue
		}
		packed, err := s.packedBlock(ctx, tx, number)
		if err != nil {
			return err
		}
		if packed == nil {
			continue
		}
		if err := s.mergeBlock(number, packed); err != nil {
			return err
		}
	}
	return nil
}

// mergeOpen merges the open blocks from first to last and returns of which
// days they were.
func (s *serverState) mergeOpen(ctx context.Context, tx handle, first, last int32) (open map[int32]bool, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT day, data FROM block WHERE org_id = $1 AND server_id = $2 AND day >= $3 AND day <= $4`,
		s.org, s.id, first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	open = map[int32]bool{}
	for rows.Next() {
		var number int32
		var block []byte
		if err := rows.Scan(&number, &block); err != nil {
			return nil, err
		}
		open[number] = true
		if err := s.mergeBlock(number, block); err != nil {
			return nil, err
		}
	}
	return open, rows.Err()
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
