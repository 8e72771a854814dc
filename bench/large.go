package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/insight"
	"headroom/internal/license"
	"headroom/internal/series"
)

// A largeEstate is an estate of one product in memory, as a hub holds it, with
// every block: it is not loaded through a hub, which would take hours, but made
// into blocks and tracks as they come.
type largeEstate struct {
	*estate
	tracks []*insight.Track
	blocks []*insight.Blocks // by day
	room   *insight.Room
}

// largeRoom is how many bytes the days that are looked into may take, drawn.
const largeRoom = 768 << 20

// Blocks implements insight.Reader.
func (l *largeEstate) Blocks(day int32) (*insight.Blocks, error) {
	if n := int(day - firstDay); n >= 0 && n < len(l.blocks) {
		return l.blocks[n], nil
	}
	return new(insight.Blocks), nil
}

// A largeResult is what was measured on it.
type largeResult struct {
	Took    time.Duration // to make it
	Points  int64
	Bytes   int64 // of blocks and tracks
	Peak    []time.Duration
	Toggle  []time.Duration
	Memory  int64 // resident at the end
	Highest int64
}

// measureLarge makes the estate and asks it.
func measureLarge(ctx context.Context, e estate, rounds int, log io.Writer) (r largeResult, err error) {
	// What is made stays: little garbage is to lie beside it.
	defer debug.SetGCPercent(debug.SetGCPercent(15))
	l := largeEstate{estate: &e, room: insight.NewRoom(largeRoom)}
	begin := time.Now()
	if err := l.make(ctx, log, &r); err != nil {
		return r, err
	}
	r.Took = time.Since(begin)
	for _, b := range l.blocks {
		r.Bytes += b.Size()
	}
	for _, t := range l.tracks {
		r.Bytes += t.Size()
	}
	debug.FreeOSMemory()
	if err := l.ask(rounds, &r); err != nil {
		return r, err
	}
	r.Memory, r.Highest = resident()
	return r, nil
}

// make makes the blocks and tracks day by day, on two goroutines: the servers
// of each are next to each other.
func (l *largeEstate) make(ctx context.Context, log io.Writer, r *largeResult) error {
	for server := range l.Servers {
		l.tracks = append(l.tracks, &insight.Track{
			Server: int64(server + 1), Pool: 1, First: l.begin(), UpTo: l.end(), After: series.Pending,
		})
	}
	show := newProgress(log, "days made", l.Days)
	defer show.end()
	const parts = 2
	var mu sync.Mutex
	for n := range l.Days {
		if err := ctx.Err(); err != nil {
			return err
		}
		var made [parts][]largeBlock
		var g errgroup.Group
		for k := range parts {
			g.Go(func() error {
				blocks, points, err := l.makeDay(n, k*l.Servers/parts, (k+1)*l.Servers/parts)
				made[k] = blocks
				mu.Lock()
				defer mu.Unlock()
				r.Points += points
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		var builder insight.Builder
		for _, b := range slices.Concat(made[:]...) {
			if !builder.Add(b.server, b.head, b.body) {
				return fmt.Errorf("day %d has more blocks than fit", n)
			}
		}
		day := builder.Take()
		day.DrawIn(l.room)
		l.blocks = append(l.blocks, day)
		show.step()
	}
	for _, t := range l.tracks {
		if err := t.Finish(); err != nil {
			return err
		}
	}
	return nil
}

type largeBlock struct {
	server     int64
	head, body []byte
}

// makeDay makes the blocks of some servers of one day, and their tracks longer.
func (l *largeEstate) makeDay(n, from, to int) (out []largeBlock, points int64, err error) {
	for server := from; server < to; server++ {
		for d := range l.days(server, n, n+1) {
			t := l.tracks[server]
			head, body, err := series.Split(series.Encode(l.blockOf(d, server, n)))
			if err != nil {
				return nil, 0, err
			}
			b := new(insight.Blocks)
			b.Add(t.Server, head, body)
			source, err := b.Source(t.Server, t.Pool)
			if err != nil {
				return nil, 0, err
			}
			if err := t.Grow(d.Number, source); err != nil {
				return nil, 0, err
			}
			out = append(out, largeBlock{t.Server, head, body})
			points += int64(len(d.At))
		}
	}
	return out, points, nil
}

// blockOf returns a day as ingest would make it.
func (l *largeEstate) blockOf(d *day, server, n int) series.Day {
	p := l.pool(server, 0)
	out := series.Day{Number: d.Number, Rounds: make([]series.Round, len(d.At))}
	samples := make([]series.Sample, len(d.At))
	for i, at := range d.At {
		out.Rounds[i] = series.Round{At: at, Hold: l.hold(), Complete: true}
		samples[i] = series.Sample{
			At: at, State: license.StateCounted, InUse: license.Of(d.Use[0][i]), Installed: license.Of(p.installedOn(n)),
		}
	}
	out.Pools = []series.PoolDay{{Pool: 1, Samples: samples}}
	return out
}

// ask asks for the peak of random halves, and of each after a few clicks.
func (l *largeEstate) ask(rounds int, r *largeResult) error {
	scratches := []*insight.Scratch{new(insight.Scratch), new(insight.Scratch)}
	span := insight.Span{From: l.begin(), To: l.end()}
	for round := range rounds + 1 {
		draw := rand.New(rand.NewPCG(l.Seed, uint64(round)))
		half := make([]*insight.Track, 0, len(l.tracks)/2)
		for _, i := range draw.Perm(len(l.tracks))[:len(l.tracks)/2] {
			half = append(half, l.tracks[i])
		}
		slices.SortFunc(half, func(a, b *insight.Track) int { return int(a.Server - b.Server) })
		begin := time.Now()
		f := insight.NewFilter(span)
		if err := f.Add(l, scratches[0], half...); err != nil {
			return err
		}
		if _, err := f.Peak(l, scratches...); err != nil {
			return err
		}
		if round > 0 { // the first warms up
			r.Peak = append(r.Peak, time.Since(begin))
		}
		for range clicks {
			begin := time.Now()
			if err := f.Toggle(l, scratches[0], l.tracks[draw.IntN(len(l.tracks))]); err != nil {
				return err
			}
			if _, err := f.Peak(l, scratches...); err != nil {
				return err
			}
			if round > 0 {
				r.Toggle = append(r.Toggle, time.Since(begin))
			}
		}
	}
	return nil
}

// large is the table of the large estate.
func (r *largeResult) grid(e *estate) grid {
	return grid{
		{fmt.Sprintf("%s license servers, one pool, %s days", count(int64(e.Servers)), count(int64(e.Days))), "", ""},
		{"points", count(r.Points), fmt.Sprintf("made into blocks and tracks in %s", duration(r.Took))},
		{"peak of a random half, all days", duration(quantile(r.Peak, 0.5)), fmt.Sprintf("p99 %s", duration(quantile(r.Peak, 0.99)))},
		{"one server toggled", duration(quantile(r.Toggle, 0.5)), fmt.Sprintf("p99 %s", duration(quantile(r.Toggle, 0.99)))},
		{"memory", size(r.Memory), fmt.Sprintf("resident, all blocks and tracks held (%s); %s at most", size(r.Bytes), size(r.Highest))},
	}
}
