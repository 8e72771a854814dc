package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"headroom/internal/hub/account"
	"headroom/internal/hub/store"
	"headroom/internal/series"
	"headroom/internal/wire"
)

// busyDays is how many days all license servers upload, one day after the
// other, while pages are asked for: less than a week, within which what was found of
// closed days is good.
const busyDays = 6

// chunkDays is how many days of history a batch has at most.
const chunkDays = 180

// A pageResult is how long a page took to its first byte.
type pageResult struct {
	Name string
	Cold time.Duration // the first time
	Took []time.Duration
	Rest bool // asked while nobody uploads
}

// restRounds is how often a page is asked for while nobody uploads.
const restRounds = 20

// A consoleResult is what was measured of the console.
type consoleResult struct {
	Points  int64
	Loaded  time.Duration
	Batches int64 // that came meanwhile
	Busy    time.Duration
	Pages   []pageResult
	Memory  int64 // of the whole process, clients included
}

// measureConsole loads years of history, and asks a hub for pages while all of
// its license servers upload.
func measureConsole(ctx context.Context, c *config, log io.Writer) (r consoleResult, err error) {
	e := c.estate
	l := loader{estate: &e, Dir: c.dir, Clients: c.clients, Out: log}
	file := filepath.Join(c.dir, "console.db")
	h, err := startHub(ctx, file, l.begin())
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, h.end()) }()
	h.Welcome(account.Member{ID: h.actor.Member, Org: h.actor.Org, Email: h.actor.Name, Name: "Bench", Role: account.Viewer})
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: l.Clients, MaxIdleConnsPerHost: l.Clients}}
	defer client.CloseIdleConnections()
	for server := range l.Servers {
		a, err := h.join(ctx, &e, server, client)
		if err != nil {
			return r, err
		}
		l.agents = append(l.agents, a)
	}
	if err := l.history(ctx, h, &r); err != nil {
		return r, err
	}
	db, err := store.Open(ctx, file, store.Options{})
	if err != nil {
		return r, err
	}
	_, err = db.Pack(ctx, firstDay+int32(e.Days-busyDays)-2)
	if err := errors.Join(err, db.Close()); err != nil {
		return r, err
	}
	r.Pages = []pageResult{{Name: "/"}, {Name: "/usage/" + url.PathEscape(product(0))}, {Name: "/usage/" + url.PathEscape(product(0)) + "?span=all", Rest: true}}
	for i := range r.Pages {
		p := &r.Pages[i]
		if p.Cold, err = firstByte(ctx, h, p.Name); err != nil {
			return r, err
		}
		for range restRounds {
			if !p.Rest {
				break
			}
			took, err := firstByte(ctx, h, p.Name)
			if err != nil {
				return r, err
			}
			p.Took = append(p.Took, took)
		}
	}
	err = l.busy(ctx, h, c.pace, &r)
	r.Memory, _ = resident()
	return r, err
}

// history uploads all but the last days, many days in a batch.
func (l *loader) history(ctx context.Context, h *runningHub, r *consoleResult) error {
	show := newProgress(l.Out, "license servers loaded", l.Servers)
	defer show.end()
	last := l.Days - busyDays
	h.now.Store(series.DayStart(firstDay + int32(last)))
	begin := time.Now()
	for server := range l.Servers {
		g, ctx := errgroup.WithContext(ctx)
		for from := 0; from < last; from += chunkDays {
			a := l.agents[server]
			a.seq++
			seq := a.seq
			g.Go(func() error { return l.uploadDays(ctx, server, from, min(from+chunkDays, last), seq) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		show.step()
	}
	r.Loaded, r.Points = time.Since(begin), int64(l.Servers*last*l.Pools*l.Samples)
	return nil
}

// uploadDays uploads some days of a license server in one batch.
func (l *loader) uploadDays(ctx context.Context, server, from, to int, seq uint64) error {
	a := l.agents[server]
	var records []wire.Record
	for n := from; n < to; n++ {
		var d day
		if l.fill(&d, server, n) {
			records = append(records, l.samples(&d, n))
		}
	}
	body, err := wire.EncodeBatch(wire.BatchHeader{
		Epoch: epoch, Seq: seq, Server: a.server.GUID, MadeAt: a.hub.now.Load(), Version: "bench",
	}, records...)
	if err != nil {
		return err
	}
	return a.send(ctx, http.MethodPut, fmt.Sprintf("%s/%s/%d", wire.BatchesPath, epoch, seq), body, nil)
}

// busy uploads the last days of all license servers and asks for pages
// meanwhile. pace is how many batches a second come; 0: as many as can be.
func (l *loader) busy(ctx context.Context, h *runningHub, pace int, r *consoleResult) error {
	g, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	over := make(chan struct{})
	g.Go(func() error {
		defer close(over)
		var out loaded
		if pace > 0 {
			tick := time.NewTicker(time.Second / time.Duration(pace))
			defer tick.Stop()
			l.pace = tick.C
		}
		for n := l.Days - busyDays; n < l.Days; n++ {
			h.now.Store(series.DayStart(firstDay + int32(n) + 1))
			if err := l.uploadDay(ctx, n, &out); err != nil {
				return err
			}
		}
		r.Batches, r.Busy = out.Batches, time.Since(begin)
		return nil
	})
	g.Go(func() error {
		for n := 0; ; n++ {
			select {
			case <-over:
				return nil
			default:
			}
			p := &r.Pages[n%len(r.Pages)]
			if p.Rest {
				continue
			}
			took, err := firstByte(ctx, h, p.Name)
			if err != nil {
				return err
			}
			p.Took = append(p.Took, took)
		}
	})
	return g.Wait()
}

// firstByte asks for a page and returns how long its first byte took.
func firstByte(ctx context.Context, h *runningHub, path string) (took time.Duration, err error) {
	begin := time.Now()
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { took = time.Since(begin) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, h.URL()+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		return 0, errors.Join(fmt.Errorf("%s: status %d: %s", path, resp.StatusCode, text), err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return took, err
}

// grid is the table of the console.
func (r *consoleResult) grid(e *estate) grid {
	g := grid{
		{fmt.Sprintf("%s license servers x %d pools x %s days", count(int64(e.Servers)), e.Pools, count(int64(e.Days))), "p50", "p95", "max", "first time"},
	}
	for _, p := range r.Pages {
		name := p.Name
		if p.Rest {
			name += ", while nobody uploads"
		}
		g = append(g, []string{name, duration(quantile(p.Took, 0.5)), duration(quantile(p.Took, 0.95)), duration(quantile(p.Took, 1)), duration(p.Cold)})
	}
	return append(g,
		[]string{fmt.Sprintf("while %s batches came in %s, %d times each page; %s points loaded in %s; %s resident, clients included",
			count(r.Batches), duration(r.Busy), len(r.Pages[0].Took), count(r.Points), duration(r.Loaded), size(r.Memory)), "", "", "", ""})
}
