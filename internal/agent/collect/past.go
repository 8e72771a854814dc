package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"headroom/internal/format"
	"headroom/internal/format/phplw"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

// A Portion is what files tell of one UTC day of a license server's past, or of a
// part of it. It depends on nothing that is later in time: a file that has grown
// gives the same portions again, and more.
type Portion struct {
	Day     time.Time // its first moment
	Events  []Events
	Denials []Denial
	Runs    []Run
	Maxima  []Maximum
	Read    int64 // bytes of the files that were read so far
}

// A Run is readings that all name the same pools, ascending.
type Run struct {
	Interval  time.Duration // between two of them, about
	Snapshots []license.Snapshot
}

// A Maximum is the highest use of a pool in [From, To), reached in one second of
// it at least.
type Maximum struct {
	Pool     license.Pool
	Daemon   string
	From, To time.Time
	InUse    int64
}

// Newest is the newest instant in a portion.
func (p Portion) Newest() time.Time {
	at := p.Day
	for _, e := range p.Events {
		at = later(at, e.To)
	}
	for _, d := range p.Denials {
		at = later(at, d.Last)
	}
	for _, r := range p.Runs {
		at = later(at, r.Snapshots[len(r.Snapshots)-1].At)
	}
	for _, m := range p.Maxima {
		at = later(at, m.To)
	}
	return at
}

// PastOptions say what files of the past do not tell about themselves.
type PastOptions struct {
	Zone     *time.Location // of the license server's clock; nil: what the format says, else the machine's
	CodePage string         // of text that is not UTF-8; empty: windows-1252
	As       string         // the format of every file; empty: found out
	Host     string         // which license server is meant, where a status tells of several; may be empty
	Watched  string         // which one, where a database does: its name there; may be empty
	Feature  string         // what a table of past use is about that names no product; may be empty
}

// local takes the machine's zone where none is told.
func (o PastOptions) local() PastOptions {
	if o.Zone == nil {
		o.Zone = time.Local
	}
	return o
}

// A Past is files of the past of one license server.
type Past struct {
	Files []PastFile

	o        PastOptions
	logs     map[format.Format][]text.File
	captures []text.File
	dumps    []text.File
	tables   []text.File
}

// A PastFile is one file, and how it is taken.
type PastFile struct {
	Path    string
	Format  string
	Skipped string // why nothing of it is read; empty if it is
}

// pastLogs leads from the formats of logs to how they are read. What gives
// facts.Event needs a line here and nothing else.
var pastLogs = map[format.Format]LogOpener{
	format.FlexNetLog:   FlexNetLog,
	format.RLMReportLog: RLMReportLog,
	format.RLMLog:       RLMLog,
	format.MathLMLog:    MathLMLog,
	format.SentinelLog:  SentinelLog,
}

// phplwFormat is how PastOptions.As names a dump of phpLicenseWatcher's database.
const phplwFormat format.Format = "phplicensewatcher"

// OpenPast finds out what files are. The same bytes count once.
func OpenPast(files []text.File, o PastOptions) (*Past, error) {
	p := &Past{o: o, logs: map[format.Format][]text.File{}}
	for _, f := range files {
		kind, err := p.detect(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		note := PastFile{Path: f.Path, Format: string(kind)}
		switch {
		case pastLogs[kind] != nil:
			p.logs[kind] = append(p.logs[kind], f)
		case kind == format.FlexNetStatus:
			p.captures = append(p.captures, f)
		case kind == phplwFormat:
			p.dumps = append(p.dumps, f)
		case kind == format.CitrixHistory:
			p.tables = append(p.tables, f)
		case kind == format.Unknown:
			note.Skipped = "the format was not recognised"
		default:
			note.Skipped = "it tells of no use in the past"
		}
		p.Files = append(p.Files, note)
	}
	return p, nil
}

func (p *Past) detect(f text.File) (format.Format, error) {
	if p.o.As != "" {
		kind, ok := format.Parse(p.o.As)
		if format.Format(p.o.As) == phplwFormat {
			kind, ok = phplwFormat, true
		}
		if !ok {
			return "", fmt.Errorf("%s is no format that can be read", p.o.As)
		}
		return kind, nil
	}
	head := make([]byte, min(f.Size, format.HeadBytes))
	if _, err := f.Data.ReadAt(head, 0); ended(err) != nil {
		return "", err
	}
	if phplw.Is(head) {
		return phplwFormat, nil
	}
	return format.Detect(head), nil
}

// Size is how many bytes there are to be read.
func (p *Past) Size() (n int64) {
	for _, files := range p.logs {
		n += sizeOf(files)
	}
	return n + sizeOf(p.captures) + sizeOf(p.dumps) + sizeOf(p.tables)
}

func sizeOf(files []text.File) (n int64) {
	for _, f := range files {
		n += f.Size
	}
	return n
}

// Portions reads the files. The sequence ends with the first error, which names
// the file.
func (p *Past) Portions(ctx context.Context) iter.Seq2[Portion, error] {
	return func(yield func(Portion, error) bool) {
		read := int64(0)
		give := func(portion Portion) error {
			portion.Read += read
			if !yield(portion, nil) {
				return errStopped
			}
			return nil
		}
		for _, part := range p.parts() {
			if err := part.read(ctx, give); err != nil {
				if !errors.Is(err, errStopped) {
					yield(Portion{}, err)
				}
				return
			}
			read += part.size
		}
	}
}

// errStopped says that nobody wants more; errNotTailed that a log can be read as
// a file only.
var (
	errStopped   = errors.New("stopped")
	errNotTailed = errors.New("this log can be imported, and not read while it is written")
)

// A pastGroup is files that are read together.
type pastGroup struct {
	size int64
	read func(ctx context.Context, give func(Portion) error) error
}

func (p *Past) parts() (all []pastGroup) {
	for _, kind := range format.All {
		if files := p.logs[kind]; len(files) > 0 {
			all = append(all, pastGroup{sizeOf(files), func(ctx context.Context, give func(Portion) error) error {
				f, err := pastLogs[kind](p.o.Zone, p.o.CodePage) // which knows best what no zone means
				if err != nil {
					return err
				}
				return readPastLog(ctx, files, f, give)
			}})
		}
	}
	if len(p.captures) > 0 {
		all = append(all, pastGroup{sizeOf(p.captures), func(ctx context.Context, give func(Portion) error) error {
			return readCaptures(ctx, p.captures, p.o.local(), give)
		}})
	}
	for _, f := range p.dumps {
		all = append(all, pastGroup{f.Size, func(ctx context.Context, give func(Portion) error) error {
			return readWatcher(ctx, f, p.o.local(), give)
		}})
	}
	for _, f := range p.tables {
		all = append(all, pastGroup{f.Size, func(ctx context.Context, give func(Portion) error) error {
			return readHistoricalUse(ctx, f, p.o.local(), give)
		}})
	}
	return all
}

// wholeOf returns a reader of a file from its beginning.
func wholeOf(f text.File) *io.SectionReader { return io.NewSectionReader(f.Data, 0, f.Size) }

// utcDay returns the first moment of the UTC day of an instant.
func utcDay(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// usualGap returns the usual distance of instants, which are ascending.
func usualGap(at []time.Time) time.Duration {
	const least, most, usual = 5 * time.Minute, 12 * time.Hour, 15 * time.Minute
	var gaps []time.Duration
	for i := range at {
		if i > 0 && at[i].After(at[i-1]) {
			gaps = append(gaps, at[i].Sub(at[i-1]))
		}
	}
	if len(gaps) == 0 {
		return usual
	}
	slices.Sort(gaps)
	return min(max(gaps[len(gaps)/2], least), most)
}

// A stoppable reader ends with its context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
