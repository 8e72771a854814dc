package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"headroom/internal/hub/store"
	"headroom/internal/license"
	"headroom/internal/series"
	"headroom/internal/wire"
)

// A loader brings an estate to a hub, through HTTP like all agents.
type loader struct {
	*estate
	Dir     string    // for the hub's database
	Clients int       // that upload at the same time
	Out     io.Writer // for progress

	agents []*agent
	pace   <-chan time.Time // each batch waits for a tick; nil: there is no waiting
}

// packEvery is how many days pass between two packings.
const packEvery = 8

// A loaded is what became of it.
type loaded struct {
	File    string // the hub's database
	Org     int64
	Points  int64
	Batches int64
	Sent    int64         // bytes of the batches
	Took    time.Duration // from the first batch to the last receipt, packing included
	Packing time.Duration // part of Took
	Bytes   int64         // of the database, after a checkpoint
	Parts   []part        // what they are
}

// load runs a hub, uploads every day of the estate, the days in their order,
// and ends the hub.
func (l *loader) load(ctx context.Context) (out loaded, err error) {
	out.File = filepath.Join(l.Dir, "hub.db")
	h, err := startHub(ctx, out.File, l.begin())
	if err != nil {
		return out, err
	}
	out.Org = h.actor.Org
	if err = l.upload(ctx, h, &out); err != nil {
		_ = h.end() // what went wrong before says more
		return out, err
	}
	if err = h.end(); err != nil {
		return out, err
	}
	out.Bytes, out.Parts, err = measureFile(ctx, out.File)
	return out, err
}

func (l *loader) upload(ctx context.Context, h *runningHub, out *loaded) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: l.Clients, MaxIdleConnsPerHost: l.Clients}}
	defer client.CloseIdleConnections()
	for server := range l.Servers {
		a, err := h.join(ctx, l.estate, server, client)
		if err != nil {
			return fmt.Errorf("register the agent of %s: %w", host(server), err)
		}
		l.agents = append(l.agents, a)
	}
	show := newProgress(l.Out, "days uploaded", l.Days)
	defer show.end()
	begin := time.Now()
	for n := range l.Days {
		h.now.Store(series.DayStart(firstDay + int32(n) + 1))
		if err := l.uploadDay(ctx, n, out); err != nil {
			return err
		}
		if err := l.pack(ctx, n, out); err != nil {
			return err
		}
		show.step()
	}
	out.Took = time.Since(begin)
	return nil
}

// pack packs the days that are closed, now and then: in life the hub does so
// every ten minutes, and here a day takes seconds.
func (l *loader) pack(ctx context.Context, n int, out *loaded) error {
	if n%packEvery != packEvery-1 && n != l.Days-1 {
		return nil
	}
	begin := time.Now()
	db, err := store.Open(ctx, out.File, store.Options{})
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if _, err := db.Pack(ctx, firstDay+int32(n)-1); err != nil {
		return errors.Join(fmt.Errorf("pack: %w", err), db.Close())
	}
	out.Packing += time.Since(begin)
	return db.Close()
}

// uploadDay uploads one day of all license servers.
func (l *loader) uploadDay(ctx context.Context, n int, out *loaded) error {
	g, ctx := errgroup.WithContext(ctx)
	servers := make(chan int)
	counts := make([]loaded, l.Clients)
	for i := range l.Clients {
		g.Go(func() error {
			var d day
			for server := range servers {
				if err := l.uploadOne(ctx, &d, server, n, &counts[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(servers)
		for server := range l.Servers {
			if l.pace != nil {
				<-l.pace
			}
			select {
			case servers <- server:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	err := g.Wait()
	for _, c := range counts {
		out.Points += c.Points
		out.Batches += c.Batches
		out.Sent += c.Sent
	}
	return err
}

// uploadOne makes, signs and uploads the batch of a license server's day.
func (l *loader) uploadOne(ctx context.Context, d *day, server, n int, out *loaded) error {
	if !l.fill(d, server, n) {
		return nil
	}
	a := l.agents[server]
	a.seq++
	body, err := wire.EncodeBatch(wire.BatchHeader{
		Epoch: epoch, Seq: a.seq, Server: a.server.GUID, MadeAt: a.hub.now.Load(), Version: "bench",
	}, l.samples(d, n))
	if err != nil {
		return err
	}
	var r wire.Receipt
	if err := a.send(ctx, http.MethodPut, fmt.Sprintf("%s/%s/%d", wire.BatchesPath, epoch, a.seq), body, &r); err != nil {
		return fmt.Errorf("day %d of %s: %w", n, host(server), err)
	}
	if r.Status != wire.ReceiptStored {
		return fmt.Errorf("day %d of %s: the hub says %q", n, host(server), r.Status)
	}
	out.Points += int64(len(d.At) * l.Pools)
	out.Batches++
	out.Sent += int64(len(body))
	return nil
}

// samples is a day as an agent tells it.
func (e *estate) samples(d *day, n int) *wire.Samples {
	s := &wire.Samples{At: d.At, Interval: e.interval(), Complete: true, Source: "flexnet"}
	for i, use := range d.Use {
		p := e.pool(d.Server, i)
		told := wire.SampledPool{
			PoolKey: wire.PoolKey{Feature: feature(i)}, Vendor: daemon, State: license.StateCounted.String(),
			Installed: wire.Counts{license.Of(p.installedOn(n))}, Reserved: wire.Counts{license.Of(0)},
			InUse: make(wire.Counts, len(use)),
		}
		if p.overdraft.Known {
			told.Overdraft = wire.Counts{p.overdraft}
		}
		for k, x := range use {
			told.InUse[k] = license.Of(x)
		}
		s.Pools = append(s.Pools, told)
	}
	return s
}

// A progress tells how far something is: a bar on a terminal, a line now and
// then elsewhere.
type progress struct {
	out         io.Writer
	bar         *progressbar.ProgressBar // nil where there is no terminal
	what        string
	done, total int
	said        time.Time
}

func newProgress(out io.Writer, what string, total int) *progress {
	p := &progress{out: out, what: what, total: total, said: time.Now()}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	}
	return p
}

func (p *progress) step() {
	p.done++
	switch {
	case p.bar != nil:
		_ = p.bar.Add(1) // a bar that cannot be drawn is no failure
	case p.done == p.total || time.Since(p.said) > 15*time.Second:
		p.said = time.Now()
		fmt.Fprintf(p.out, "%d of %d %s\n", p.done, p.total, p.what)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
