package collect

import (
	"errors"
	"io"
	"iter"

	"headroom/internal/format/facts"
)

// An EventStream reads the events of a log. It returns io.EOF at the end of the
// text and otherwise only errors of the reader that it reads from.
type EventStream interface {
	Next() (facts.Event, error)
	// Offset is how many bytes of the text were understood so far, or found not
	// to be understood, line ends included.
	Offset() int64
}

// A lossy stream tells what it could not read. Of one that does not, every line
// that it did not understand may have been an event.
type lossy interface {
	// Loss returns how many events could not be read so far, and whether the log
	// tells less than all by its nature.
	Loss() (events int, always bool)
}

// A flow is a stream that is fed: its text comes bit by bit, and the stream
// waits inside of its reader where it wants more. So a log need not be read
// from its beginning at every look, and a parser need not know of it.
type flow struct {
	stream EventStream
	lines  []byte
	fed    int64
	done   bool
	yield  func(flowItem) bool
	next   func() (flowItem, bool)
	stop   func()
}

// A flowItem is what a flow has to say: an event, an end, or that it wants more
// text.
type flowItem struct {
	event facts.Event
	err   error
	more  bool
}

func newFlow(open func(io.Reader) (EventStream, error)) *flow {
	f := &flow{}
	f.next, f.stop = iter.Pull(func(yield func(flowItem) bool) {
		f.yield = yield
		var err error
		if f.stream, err = open(f); err != nil {
			yield(flowItem{err: err})
			return
		}
		for {
			e, err := f.stream.Next()
			if !yield(flowItem{event: e, err: err}) || err != nil {
				return
			}
		}
	})
	return f
}

// Read is what the stream reads from.
func (f *flow) Read(p []byte) (int, error) {
	for len(f.lines) == 0 {
		if f.done = f.done || !f.yield(flowItem{more: true}); f.done {
			return 0, io.EOF
		}
	}
	n := copy(p, f.lines)
	f.lines = f.lines[n:]
	return n, nil
}

// feed gives the stream more text and calls each with the events in it.
func (f *flow) feed(lines []byte, each func(facts.Event)) error {
	f.lines = lines
	f.fed += int64(len(lines))
	for {
		item, ok := f.next()
		switch {
		case !ok:
			return errors.New("the log's reader has ended")
		case item.more && len(f.lines) == 0:
			return nil
		case item.more:
		case item.err != nil:
			return item.err
		default:
			each(item.event)
		}
	}
}

// pending says whether there is text of which the stream does not know yet what
// it means.
func (f *flow) pending() bool { return f.stream != nil && f.stream.Offset() < f.fed }

// lossOf returns how many events a stream could not read, and whether it tells
// less than all by its nature.
func lossOf(s EventStream) (events int, always bool) {
	switch s := s.(type) {
	case lossy:
		return s.Loss()
	case interface{ Unread() facts.UnreadLines }:
		return s.Unread().Total, false
	}
	return 0, false
}

// A feeder gives the text of a log to a stream and the events in it to the use
// of pools.
type feeder struct {
	open func(io.Reader) (EventStream, error)
	use  *logUse
	flow *flow
	lost int // events, so far
}

// feed takes the next lines.
func (f *feeder) feed(lines []byte) error {
	if f.flow == nil {
		f.flow, f.lost = newFlow(f.open), 0
	}
	err := f.flow.feed(lines, func(e facts.Event) {
		f.loss()
		f.use.add(e)
	})
	f.loss()
	return err
}

// loss notes where events could not be read.
func (f *feeder) loss() {
	if f.flow.stream != nil {
		f.lost = f.use.losses(f.flow.stream, f.lost)
	}
}

// pending says whether there is text whose meaning is not known yet.
func (f *feeder) pending() bool { return f.flow != nil && f.flow.pending() }

// end drops the stream: what comes next is another text.
func (f *feeder) end() {
	if f.flow != nil {
		f.flow.stop()
		f.flow = nil
	}
}
