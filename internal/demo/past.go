package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"headroom/internal/wire"
)

// past brings the estate's history to the hub: a silent server's as long ago
// as it fell silent, all others' now.
func (d *demo) past(ctx context.Context) error {
	show := newProgress(d.Out, len(d.sites))
	defer show.end()
	for _, s := range d.sites {
		if s.SilentSince.IsZero() {
			continue
		}
		d.clock.Set(s.SilentSince.Add(time.Minute))
		if err := d.tell(ctx, s, show); err != nil {
			return err
		}
	}
	d.clock.Set(d.estate.Now)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range d.sites {
		if s.SilentSince.IsZero() {
			g.Go(func() error { return d.tell(ctx, s, show) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	d.clock.Set(d.estate.Now) // however long the telling took: two demos of one present show the same
	return nil
}

// tell puts a server's history into its agent's spool, a month at a time, and
// uploads it.
func (d *demo) tell(ctx context.Context, s *site, show *progress) error {
	begin, end := d.estate.Begin(), d.estate.Now
	info := wire.ServerInfo{Name: s.Name, Hosts: []string{s.Name}, Port: s.Port, Manager: s.Manager, Version: s.Version}
	if s.Manager == "generic" {
		info.Manager = s.Daemon // its script says so
	}
	st, err := s.agent.Status(ctx)
	if err != nil {
		return err
	}
	info.GUID = st.Servers[0].GUID
	records := []wire.Record{&wire.ServerRecord{At: begin.Unix(), ServerInfo: info}}
	for from := begin; from.Before(end); {
		to := from.AddDate(0, 0, 30)
		if to.After(end) {
			to = end
		}
		records = append(records, history(s.Server, from, to)...)
		records = append(records, people(s.Server, from, to, end)...)
		if len(records) > 0 {
			if err := s.agent.Keep(s.Name, to, records...); err != nil {
				return err
			}
		}
		records, from = nil, to
	}
	if _, err := s.agent.Upload(ctx); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	show.step()
	return nil
}

// A progress shows how many license servers have told their past: a bar on a
// terminal, lines elsewhere.
type progress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where there is no terminal
	done  atomic.Int64
	total int
}

func newProgress(out io.Writer, total int) *progress {
	p := &progress{out: out, total: total}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("13 months of history"),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
	} else {
		fmt.Fprintf(out, "Telling 13 months of history of %d license servers ...\n", total)
	}
	return p
}

func (p *progress) step() {
	n := p.done.Add(1)
	if p.bar == nil {
		fmt.Fprintf(p.out, "  %d of %d\n", n, p.total)
		return
	}
	_ = p.bar.Add(1) // a bar that cannot be drawn is no failure
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
