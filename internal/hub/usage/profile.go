package usage

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/catalog"
	"headroom/internal/fault"
	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A Profile is all that there is to say of one license server.
type Profile struct {
	Server  Server
	Known   Known
	Pools   []PoolNow // by product
	Uploads []Upload  // the newest first
	Gaps    []Gap     // the newest first
}

// A PoolNow is a pool by its newest good reading, whether its server reports or
// not.
type PoolNow struct {
	Product   catalog.Product
	Pool      license.Pool
	Daemon    string // the vendor daemon; empty if not told
	First     time.Time
	At        time.Time // of the reading; zero if there is none
	InUse     license.Count
	Installed license.Count
	Unlimited bool
	Uncounted bool
	Gone      bool // a complete status did not have it any more
}

// An Upload is a batch as it was taken.
type Upload struct {
	Received         time.Time
	Seq              int64
	Records, Unknown int // unknown: of a kind that this hub does not know
}

// A Gap is a time of which an agent has declared that its records are lost.
type Gap struct {
	From, To time.Time
	Reason   string
}

// Known is what is known of license servers day by day: the last full UTC days.
type Known struct {
	From time.Time
	Days []insight.Coverage
}

// How much a profile shows.
const (
	knownDays  = 90
	maxUploads = 20
	maxGaps    = 50
)

// Profile answers about one license server. One that does not exist is
// fault.NotFound.
func (s *Service) Profile(ctx context.Context, org int64, guid string) (out Profile, err error) {
	err = s.ask(ctx, org, everything, func(e *estate) error {
		one, ok := e.byGUID[guid]
		if !ok {
			return fault.Errorf(fault.NotFound, "there is no license server %.40q", guid)
		}
		out = Profile{Server: one.Server}
		var tracks []*insight.Track
		for _, p := range e.products {
			for _, l := range alone(p.lines) {
				if l.server.GUID == guid {
					tracks = append(tracks, l.track)
					out.Pools = append(out.Pools, poolNow(p, l))
				}
			}
		}
		slices.SortStableFunc(out.Pools, func(a, b PoolNow) int { return strings.Compare(a.Product.Name, b.Product.Name) })
		out.Known = e.known(tracks)
		sources, err := e.reader.store.Sources(ctx, org)
		if err != nil {
			return err
		}
		out.Server.Sources = sources[one.ID]
		if out.Uploads, err = e.reader.store.Uploads(ctx, org, one.ID, maxUploads); err != nil {
			return err
		}
		out.Gaps, err = e.reader.store.Gaps(ctx, org, one.ID, maxGaps)
		return err
	})
	return out, err
}

func poolNow(p *product, l *line) PoolNow {
	v := l.latest()
	out := PoolNow{
		Product: p.Product, Pool: l.pool.Key, Daemon: l.pool.Vendor, First: time.Unix(l.pool.First, 0).UTC(),
		Gone: v.gone, Uncounted: v.State == license.StateUncounted, Unlimited: v.State == license.StateUnlimited,
	}
	if v.ok {
		out.At, out.InUse, out.Installed = time.Unix(v.At, 0).UTC(), v.InUse, v.Installed
	}
	return out
}

// known is what is known of tracks.
func (e *estate) known(tracks []*insight.Track) Known {
	to := series.DayOf(e.now.Unix())
	from := to - knownDays
	return Known{From: time.Unix(series.DayStart(from), 0).UTC(), Days: insight.CoverageByDay(tracks, from, to)}
}

// KnownDays answers how much is known of each license server, by its GUID.
func (s *Service) KnownDays(ctx context.Context, org int64) (out map[string]Known, err error) {
	err = s.ask(ctx, org, everything, func(e *estate) error {
		tracks := make(map[string][]*insight.Track)
		for _, p := range e.products {
			for _, l := range p.lines {
				tracks[l.server.GUID] = append(tracks[l.server.GUID], l.track)
			}
		}
		out = make(map[string]Known, len(e.servers))
		for _, one := range e.servers {
			out[one.GUID] = e.known(tracks[one.GUID])
		}
		return nil
	})
	return out, err
}
