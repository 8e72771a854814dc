package collect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/text/encoding"

	"headroom/internal/format/flexnet"
	"headroom/internal/format/text"
	"headroom/internal/license"
)

const (
	// logSilence is how long a log vouches for itself after its last line: a
	// running license server writes at least every 6 hours.
	logSilence = 7 * time.Hour
	// logLag is how late a line may be written.
	logLag = 5 * time.Second
	// logRetry is how soon a repeated refusal counts as the same one.
	logRetry = 5 * time.Minute
	// maxSteps bounds how much of a long log goes into one result.
	maxSteps = 20_000
)

// A FlexNetLog reads the debug log of a FlexNet license server. Each Read goes
// through the log from its beginning, which says what is open, and returns
// what it tells beyond the last result. A line that is not finished is left
// for the next time.
type FlexNetLog struct {
	path    string
	options flexnet.LogOptions
	now     func() time.Time
	told    time.Time // up to here everything was told
}

// NewFlexNetLog returns a reader of the log at path. zone is the license
// server's, nil the machine's; resume is that of the last result that is safe,
// or empty.
func NewFlexNetLog(path string, zone *time.Location, codePage, resume string, now func() time.Time) (*FlexNetLog, error) {
	r := &FlexNetLog{path: path, now: now, options: flexnet.LogOptions{Zone: zone}}
	if zone == nil {
		r.options.Zone = time.Local
	}
	var err error
	if r.options.CodePage, err = codePageOf(codePage); err != nil {
		return nil, err
	}
	if resume != "" {
		if r.told, err = time.Parse(time.RFC3339, resume); err != nil {
			return nil, fmt.Errorf("resume reading %s: %w", path, err)
		}
	}
	return r, nil
}

func codePageOf(name string) (encoding.Encoding, error) {
	if name == "" {
		return nil, nil
	}
	return text.CodePage(name)
}

// Read reads what is new in the log.
func (r *FlexNetLog) Read(ctx context.Context) (Result, error) {
	now := r.now().Truncate(time.Second)
	h, err := r.history(ctx, now)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case err != nil:
		return failed(now, err.Error()), nil
	}
	if !h.to.After(h.from) {
		if silent := now.Sub(h.file.Last); silent > logSilence {
			return failed(now, fmt.Sprintf("the log has had no line since %s", h.file.Last.UTC().Format(time.RFC3339))), nil
		}
		return Result{At: now}, nil
	}
	r.told = h.to
	return Result{
		At: now, Server: license.Server{Manager: "flexnet"},
		Events: h.events(), Denials: h.denials, More: h.more, Resume: h.to.UTC().Format(time.RFC3339),
	}, nil
}

// A logPool is a feature of a vendor daemon.
type logPool struct{ daemon, feature string }

// A history is what a log tells of the span [from, to).
type history struct {
	file     flexnet.LogFile
	from, to time.Time
	more     bool
	reset    time.Time // since when nothing from before the log can be open; zero: never
	lossy    bool      // the events do not tell all
	pools    []logPool
	before   map[logPool]int64 // in use at from
	steps    map[logPool][]flexnet.LogStep
	denials  []Denial
}

// history reads the log twice: once for the steps, once for the refusals.
func (r *FlexNetLog) history(ctx context.Context, now time.Time) (h *history, err error) {
	f, err := os.Open(r.path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := wholeLines(f)
	if err != nil {
		return nil, err
	}
	head, err := flexnet.LogHead(io.NewSectionReader(f, 0, end), r.options)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.path, err)
	}
	if head.First.IsZero() {
		return nil, fmt.Errorf("no line of %s tells its date yet", r.path)
	}
	h = &history{from: later(head.First, r.told), before: map[logPool]int64{}, steps: map[logPool][]flexnet.LogStep{}}
	if head.Started {
		h.reset = head.First
	}
	if err := h.readSteps(stoppable{ctx, io.NewSectionReader(f, 0, end)}, r.options, now); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.path, err)
	}
	if err := h.readEvents(stoppable{ctx, io.NewSectionReader(f, 0, end)}, r.options); err != nil {
		return nil, fmt.Errorf("read %s: %w", r.path, err)
	}
	return h, nil
}

// readSteps fills in how use went, and how far.
func (h *history) readSteps(text io.Reader, o flexnet.LogOptions, now time.Time) error {
	totals := flexnet.NewLogTotals(o)
	seen := 0
	totals.OnStep = func(s flexnet.LogStep) {
		p := logPool{s.Daemon, s.Feature}
		switch {
		case s.At.Before(h.from):
			h.before[p] = s.InUse
			return
		case h.more:
			return
		case seen >= maxSteps:
			h.more, h.to = true, s.At
			return
		}
		h.steps[p] = append(h.steps[p], s)
		seen++
	}
	file, err := totals.Read(text)
	if err != nil {
		return err
	}
	totals.Flush()
	h.file, h.lossy = file, totals.Lossy()
	if !h.more {
		h.to = vouched(file.Last, now)
	}
	for _, f := range totals.Features() {
		h.pools = append(h.pools, logPool{f.Daemon, f.Feature})
	}
	slices.SortFunc(h.pools, func(a, b logPool) int {
		return cmp.Or(cmp.Compare(a.feature, b.feature), cmp.Compare(a.daemon, b.daemon))
	})
	return nil
}

// vouched returns up to when a log tells everything: now, if it is alive, less
// the time that a line may take. Its last second may not be over.
func vouched(last, now time.Time) time.Time {
	to := now.Add(-logLag)
	if silent := last.Add(logSilence); to.After(silent) {
		to = silent
	}
	return later(last, to)
}

// readEvents fills in the refusals, and when the server started.
func (h *history) readEvents(text io.Reader, o flexnet.LogOptions) error {
	reader := flexnet.NewLogReader(text, o)
	refused := map[[4]string]time.Time{}
	at := map[[4]string]int{}
	for {
		e, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case e.Kind == flexnet.LogStart && e.Daemon == "" && h.reset.IsZero():
			h.reset = e.At
		case e.Kind == flexnet.LogDenied:
			key := [4]string{e.Daemon, e.Feature, license.FoldName(e.User), license.FoldName(e.Host)}
			again := !refused[key].IsZero() && e.At.Sub(refused[key]) <= logRetry
			refused[key] = e.At
			h.addDenial(e, key, again, at)
		}
	}
}

// addDenial adds a refusal, or counts it as a repeat of one. A repeat of one
// that was told with an earlier result is not told again.
func (h *history) addDenial(e flexnet.LogEvent, key [4]string, again bool, at map[[4]string]int) {
	if e.At.Before(h.from) || !e.At.Before(h.to) {
		return
	}
	if i, ok := at[key]; again && ok {
		h.denials[i].Count++
		return
	}
	if again {
		return
	}
	at[key] = len(h.denials)
	h.denials = append(h.denials, Denial{
		Pool: h.pool(logPool{e.Daemon, e.Feature}), At: e.At, User: e.User, Host: e.Host, Reason: oneLine(e.Reason), Count: 1,
	})
}

// pool returns the key of a pool: its daemon only where two serve the name.
func (h *history) pool(p logPool) license.Pool {
	for _, o := range h.pools {
		if o.feature == p.feature && o.daemon != p.daemon {
			return license.Pool{Feature: p.feature, Daemon: p.daemon}
		}
	}
	return license.Pool{Feature: p.feature}
}

// events returns the use of every pool, one Events for each span without a
// silence in it.
func (h *history) events() []Events {
	var all []Events
	spans := h.spans()
	for _, p := range h.pools {
		use, steps := h.before[p], h.steps[p]
		for _, span := range spans {
			for len(steps) > 0 && steps[0].At.Before(span.From) {
				use, steps = steps[0].InUse, steps[1:]
			}
			e := Events{
				Pool: h.pool(p), Daemon: p.daemon, From: span.From, To: span.To, Start: use,
				Exact: h.exact(span.From),
			}
			for len(steps) > 0 && steps[0].At.Before(span.To) {
				e.Steps = append(e.Steps, Step{At: steps[0].At, InUse: steps[0].InUse, High: steps[0].High})
				use, steps = steps[0].InUse, steps[1:]
			}
			all = append(all, e)
		}
	}
	return all
}

// exact reports whether the use from an instant on is known exactly: the log
// tells all since a start of the server, and was never silent in between.
func (h *history) exact(from time.Time) bool {
	if h.lossy || h.reset.IsZero() || from.Before(h.reset) {
		return false
	}
	return !slices.ContainsFunc(h.file.Gaps, func(g flexnet.LogGap) bool {
		return !g.From.Before(h.reset) && !g.To.After(from)
	})
}

// spans divides [from, to) where the log was silent for too long.
func (h *history) spans() []flexnet.LogGap {
	var spans []flexnet.LogGap
	from := h.from
	for _, g := range h.file.Gaps {
		silent := g.From.Add(logSilence)
		if !g.To.After(from) || !silent.Before(h.to) {
			continue
		}
		if silent.After(from) {
			spans = append(spans, flexnet.LogGap{From: from, To: silent})
		}
		from = g.To
	}
	if from.Before(h.to) {
		spans = append(spans, flexnet.LogGap{From: from, To: h.to})
	}
	return spans
}

// wholeLines returns the length of a file without its last line, if that has
// no end yet.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	chunk := make([]byte, 64<<10)
	for end := info.Size(); end > 0; {
		start := max(0, end-int64(len(chunk)))
		n, err := f.ReadAt(chunk[:end-start], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk[:n], '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
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

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
