package collect

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"time"

	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A capture is the text of one status: a file, or a part of one to which the
// output of a tool was appended again and again.
type capture struct {
	file text.File
	off  int64
	size int64
	at   time.Time // its status date
}

// statusBanner and statusDate begin a status; the date is its only line with a year.
var (
	statusBanner = regexp.MustCompile(`^\s*lm(util|stat)( -|\s+v?\d)`)
	statusDate   = regexp.MustCompile(`^\s*Flexible License Manager status on \w+ (\d+/\d+/\d+ \d+:\d+)`)
)

// readCaptures reads saved statuses in the order of their dates. One without a
// date, or that says why use was not known, says nothing of the past. A saved
// status may be of one feature only: what is missing in it has not ended.
func readCaptures(ctx context.Context, files []text.File, o PastOptions, give func(Portion) error) error {
	var all []capture
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		some, err := capturesIn(f, o.Zone)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b capture) int { return a.at.Compare(b.at) })
	instants := make([]time.Time, len(all))
	for i, c := range all {
		instants[i] = c.at
	}
	p := Portion{}
	gap := usualGap(instants)
	flush := func() error {
		if len(p.Runs) == 0 {
			return nil
		}
		defer func() { p.Runs = nil }()
		return give(p)
	}
	for _, c := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if day := utcDay(c.at); !day.Equal(p.Day) {
			if err := flush(); err != nil {
				return err
			}
			p.Day = day
		}
		s, err := c.read(o)
		if err != nil {
			return err
		}
		if p.Read += c.size; s != nil {
			p.Runs = addSnapshot(p.Runs, *s, gap)
		}
	}
	return flush()
}

// read reads the status; nil if it tells no use.
func (c capture) read(o PastOptions) (*license.Snapshot, error) {
	st, err := flexnet.ParseStatus(io.NewSectionReader(c.file.Data, c.off, c.size), flexnet.StatusOptions{Zone: o.Zone, CodePage: o.CodePage})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.file.Path, err)
	}
	res := statusResult(st, o.Host, c.at)
	switch {
	case len(flexnet.Snapshots(st)) > 1 && res.Failure != "":
		return nil, fmt.Errorf("%s: %s", c.file.Path, res.Failure)
	case !res.HasSnapshot():
		return nil, nil
	}
	res.Snapshot.At, res.Snapshot.Complete = c.at, false
	return &res.Snapshot, nil
}

// addSnapshot puts a reading into the last run, or a new one where it names other
// pools. Of two of one minute the first counts.
func addSnapshot(runs []Run, s license.Snapshot, interval time.Duration) []Run {
	if n := len(runs); n > 0 {
		last := &runs[n-1]
		before := last.Snapshots[len(last.Snapshots)-1]
		switch {
		case !s.At.After(before.At):
			return runs
		case samePools(before.Readings, s.Readings):
			last.Snapshots = append(last.Snapshots, s)
			return runs
		}
	}
	return append(runs, Run{Interval: interval, Snapshots: []license.Snapshot{s}})
}

// samePools says whether two readings name the same pools in the same states.
func samePools(a, b []license.Reading) bool {
	return slices.EqualFunc(a, b, func(x, y license.Reading) bool {
		return x.Pool == y.Pool && x.Daemon == y.Daemon && x.State == y.State && x.Reason == y.Reason
	})
}

// capturesIn finds the statuses in a file.
func capturesIn(f text.File, zone *time.Location) ([]capture, error) {
	var all []capture
	c := capture{file: f}
	dated := false
	end := func(off int64) {
		if c.size = off - c.off; dated && c.size <= DefaultMaxOutput {
			all = append(all, c)
		}
		c.off, c.at, dated = off, time.Time{}, false
	}
	r := bufio.NewReaderSize(wholeOf(f), 64<<10)
	for off := int64(0); ; {
		line, err := r.ReadSlice('\n')
		date := statusDate.FindSubmatch(bytes.TrimPrefix(line, []byte("\ufeff")))
		if dated && (date != nil || statusBanner.Match(line)) {
			end(off)
		}
		if date != nil {
			if at, err := time.ParseInLocation("1/2/2006 15:04", string(date[1]), zone); err == nil {
				c.at, dated = at.UTC(), true
			}
		}
		off += int64(len(line))
		switch {
		case errors.Is(err, io.EOF):
			end(off)
			return all, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
