package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"headroom/internal/format/facts"
	"headroom/internal/format/text"
)

// A pastLog reads the files of one log, day by day.
type pastLog struct {
	format LogFormat
	give   func(Portion) error
	feeder feeder
	use    *logUse
	day    time.Time // that is being read
	read   int64
	fresh  bool  // no event of the file at hand was seen yet
	err    error // of give
}

// readPastLog reads the files of one log in the order of the time in them, less
// what stands in two of them. Its last second may not be over, and is not told.
func readPastLog(ctx context.Context, files []text.File, f LogFormat, give func(Portion) error) error {
	files, err := inOrder(files, f)
	if err != nil {
		return err
	}
	p := &pastLog{format: f, give: give, use: newLogUse(f.Silence, time.Time{})}
	p.feeder = feeder{open: f.Open, use: p.use, before: p.event}
	defer p.feeder.end()
	for i, file := range files {
		skip := int64(0)
		for _, before := range slices.Backward(files[:i]) {
			if skip, err = text.Overlap(before, file); err != nil {
				return err
			}
			if skip > 0 {
				break
			}
		}
		p.fresh = true
		p.read += skip
		if err := p.file(ctx, io.NewSectionReader(file.Data, skip, file.Size-skip)); err != nil {
			if errors.Is(err, errStopped) || ctx.Err() != nil {
				return err
			}
			return fmt.Errorf("%s: %w", file.Path, err)
		}
	}
	if p.use.now.IsZero() {
		return nil
	}
	p.tell(p.use.now)
	p.use.watch.End()
	p.tell(p.use.now)
	return p.err
}

// file reads one file, as far as it has whole lines.
func (p *pastLog) file(ctx context.Context, r io.Reader) error {
	defer p.feeder.end()
	buf, have := make([]byte, tailChunk), 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, buf[have:])
		if ended(err) != nil {
			return err
		}
		b := buf[:have+n]
		whole := bytes.LastIndexByte(b, '\n') + 1
		if whole == 0 && len(b) == len(buf) { // a line without end
			whole = len(b)
		}
		p.read += int64(whole)
		if err := p.feeder.feed(b[:whole]); err != nil || p.err != nil {
			return errors.Join(err, p.err)
		}
		if err != nil {
			p.read += int64(len(b) - whole)
			return nil
		}
		have = copy(buf, b[whole:])
	}
}

// event hands out the days that are over before an event. Where a file is
// missing before it, what was out then may have come back in that.
func (p *pastLog) event(e facts.Event) {
	if e.At.IsZero() {
		return
	}
	missing := p.fresh && p.format.Silence > 0 && e.Kind != facts.Start && !p.use.now.IsZero() && e.At.Sub(p.use.now) > p.format.Silence
	p.fresh = false
	if p.use.now.IsZero() {
		p.day = utcDay(e.At)
		return
	}
	for end := p.day.Add(24 * time.Hour); !e.At.Before(end); end = p.day.Add(24 * time.Hour) {
		to := end
		if silent := p.use.now.Add(p.format.Silence); p.format.Silence > 0 && silent.Before(end) {
			to = silent
		}
		p.tell(to)
		if p.day = end; to.Before(end) {
			p.day = utcDay(e.At)
		}
	}
	if missing {
		p.use.lost()
	}
}

// tell hands out what the log says up to an instant.
func (p *pastLog) tell(to time.Time) {
	if !to.After(p.use.told) && len(p.use.wants) == 0 || p.err != nil {
		return
	}
	portion := Portion{Day: p.day, Read: p.read}
	portion.Events, portion.Denials = p.use.tell(later(to, p.use.told))
	if len(portion.Events)+len(portion.Denials) > 0 {
		p.err = p.give(portion)
	}
}

// inOrder sorts the files of a log by the first date in them. Those that tell
// none say nothing; those of several license servers are refused.
func inOrder(files []text.File, f LogFormat) ([]text.File, error) {
	type dated struct {
		text.File
		first time.Time
	}
	var all []dated
	hosts := map[string]string{}
	for _, file := range files {
		if f.Host != nil {
			host, err := f.Host(wholeOf(file))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file.Path, err)
			}
			if host != "" {
				hosts[strings.ToLower(host)] = file.Path
			}
		}
		first, err := firstDate(file, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Path, err)
		}
		if !first.IsZero() {
			all = append(all, dated{file, first})
		}
	}
	if len(hosts) > 1 {
		return nil, fmt.Errorf("the logs are of several license servers: %s; import those of one at a time", pairs(hosts))
	}
	slices.SortStableFunc(all, func(a, b dated) int { return a.first.Compare(b.first) })
	out := make([]text.File, len(all))
	for i, d := range all {
		out[i] = d.File
	}
	return out, nil
}

// pairs shows hosts with a file of each.
func pairs(hosts map[string]string) string {
	var all []string
	for host, path := range hosts {
		all = append(all, host+" ("+path+")")
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// firstDate returns the date of the first event that has one.
func firstDate(file text.File, f LogFormat) (time.Time, error) {
	stream, err := f.Open(wholeOf(file))
	if err != nil {
		return time.Time{}, err
	}
	for {
		e, err := stream.Next()
		switch {
		case errors.Is(err, io.EOF):
			return time.Time{}, nil
		case err != nil || !e.At.IsZero():
			return e.At, err
		}
	}
}
