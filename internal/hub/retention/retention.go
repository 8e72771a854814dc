// Package retention removes the usage data that an organisation does not keep any
// longer. It keeps them for ever unless it says otherwise. Whole UTC days go, from the
// day before the last one that is kept; ingest takes nothing older, whether it comes
// late or is imported.
package retention

import (
	"context"
	"fmt"
	"time"

	"headroom/internal/hub/audit"
)

// Cutoff returns the UTC day, counted from 1970-01-01, before which nothing is kept by
// an organisation that keeps usage data for some days: today and those before it.
func Cutoff(now time.Time, days int) int32 {
	return int32(now.Unix()/secondsPerDay) - int32(days)
}

const secondsPerDay = 24 * 60 * 60

// Instant is when a UTC day begins.
func Instant(day int32) time.Time { return time.Unix(int64(day)*secondsPerDay, 0).UTC() }

// A Keeper is an organisation that does not keep usage data for ever.
type Keeper struct {
	Org  int64
	Days int
	Done int32 // the UTC day before which they were removed since it last said for how long; 0: not yet
}

// Removed is what a removal took away.
type Removed struct {
	Servers int // license servers that had something older
	Days    int // of all of them together
}

// A Store removes.
type Store interface {
	// Keepers lists those organisations.
	Keepers(ctx context.Context) ([]Keeper, error)
	// ClaimTrim takes the removal of what is older than a day for this process, until
	// then; no other has it meanwhile. False: another has it, or has done it.
	ClaimTrim(ctx context.Context, org int64, day int32, now, until time.Time) (bool, error)
	// Trim removes what an organisation has from before a UTC day. It may be called
	// again after a failure, and goes on then where it was.
	Trim(ctx context.Context, org int64, day int32) (Removed, error)
	// Trimmed notes that it is done, with an entry of the audit log; nil: without one.
	Trimmed(ctx context.Context, org int64, day int32, at time.Time, e *audit.Entry) error
}

// A Service removes.
type Service struct {
	Store Store
	Now   func() time.Time
}

// claimTime is for how long a process has a removal. One that ends in the midst leaves
// it to another after that.
const claimTime = time.Hour

// Once removes what is too old by now, unless another process does, or has done so. It
// is to be called often: a day passes, or somebody says something else.
func (s *Service) Once(ctx context.Context) error {
	keepers, err := s.Store.Keepers(ctx)
	if err != nil {
		return err
	}
	for _, k := range keepers {
		if err := s.trim(ctx, k); err != nil {
			return fmt.Errorf("remove usage data of organisation %d that are older than %d days: %w", k.Org, k.Days, err)
		}
	}
	return nil
}

func (s *Service) trim(ctx context.Context, k Keeper) error {
	now := s.Now()
	day := Cutoff(now, k.Days)
	if day <= k.Done {
		return nil
	}
	if ours, err := s.Store.ClaimTrim(ctx, k.Org, day, now, now.Add(claimTime)); err != nil || !ours {
		return err
	}
	removed, err := s.Store.Trim(ctx, k.Org, day)
	if err != nil {
		return err
	}
	var e *audit.Entry
	if removed != (Removed{}) {
		told := audit.Of(audit.Actor{Org: k.Org, Name: "the hub"}, audit.Trimmed, s.Now(), "before "+Instant(day).Format(time.DateOnly))
		told.Detail = fmt.Sprintf("kept for %d days; removed %d days of license servers, of %d of them", k.Days, removed.Days, removed.Servers)
		e = &told
	}
	return s.Store.Trimmed(ctx, k.Org, day, s.Now(), e)
}
