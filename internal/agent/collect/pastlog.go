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

	"headroom/internal/format/denial"
	"headroom/internal/format/facts"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A pastLog reads the files of one log, day by day.
type pastLog struct {
	format LogFormat
	give   func(Portion) error
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
		if err := p.file(ctx, file, skip); err != nil {
			if errors.Is(err, errStopped) || ctx.Err() != nil {
				return err
			}
			return fmt.Errorf("%s: %w", file.Path, err)
		}
		p.read += file.Size
	}
	if p.use.now.IsZero() {
		return nil
	}
	p.tell(p.use.now)
	p.use.watch.End()
	p.use.wants = slices.DeleteFunc(p.use.wants, func(d denial.Denial) bool { return !d.First.Before(p.use.now) })
	p.tell(p.use.now)
	return p.err
}

// file reads one file from an offset on, as far as it has whole lines.
func (p *pastLog) file(ctx context.Context, file text.File, skip int64) error {
	end, err := wholeLines(file)
	if err != nil || end <= skip {
		return err
	}
	stream, err := p.format.Open(io.NewSectionReader(file.Data, skip, end-skip), file.Changed)
	if err != nil {
		return err
	}
	p.fresh = true
	before, lost := p.read+skip, 0
	for n := 0; ; n++ {
		if n%1000 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		e, err := stream.Next()
		lost = p.use.losses(stream, lost)
		if errors.Is(err, io.EOF) {
			p.read = before - skip
			return p.err
		}
		if err != nil || p.err != nil {
			return errors.Join(err, p.err)
		}
		p.read = before + stream.Offset()
		p.event(e)
		p.use.add(e)
	}
}

// wholeLines returns the length of a file without its last line, if that has no
// end yet.
func wholeLines(f text.File) (int64, error) {
	chunk := make([]byte, 64<<10)
	for end := f.Size; end > 0; {
		start := max(0, end-int64(len(chunk)))
		n, err := f.Data.ReadAt(chunk[:end-start], start)
		if ended(err) != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk[:n], '\n'); i >= 0 {
			end = start + int64(i) + 1
			if mark, err := textMark(f); err != nil || mark == "\xff\xfe" {
				end = min(end+1, f.Size) // the other half of the line's end
				return end, err
			}
			return end, nil
		}
		end = start
	}
	return 0, nil
}

// textMark returns the first two bytes of a file.
func textMark(f text.File) (string, error) {
	b := make([]byte, 2)
	n, err := f.Data.ReadAt(b, 0)
	return string(b[:n]), ended(err)
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
	var totals []license.Snapshot
	portion.Events, portion.Denials, totals = p.use.tell(later(to, p.use.told))
	for _, s := range totals {
		portion.Runs = addSnapshot(portion.Runs, s, quietDay)
	}
	if len(portion.Events)+len(portion.Denials)+len(portion.Runs) > 0 {
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
	stream, err := f.Open(wholeOf(file), file.Changed)
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
