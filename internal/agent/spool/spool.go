// Package spool is the agent's memory on disk: a durable queue of records and
// of the batches made from them, in one directory. It sees bytes and knows
// nothing of what they mean.
//
// What Append has accepted survives a power cut, and stays until the hub has
// it: a record is waiting, or in exactly one batch, or in a declared gap. The
// content of a batch never changes once it has a sequence, so that every
// retry is the same bytes. What cannot be read is set aside under the
// extension "bad" and never deleted. DESIGN.md shows the names of the files,
// which are all the state that there is.
package spool

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultBudget  = 512 << 20
	DefaultKeep    = 14 * 24 * time.Hour
	DefaultBallast = 2 << 20
)

var (
	// ErrEmpty means that no batch waits for the hub.
	ErrEmpty = errors.New("no batch is waiting")
	// ErrUnknown means that the spool has no unsent batch of that identity.
	ErrUnknown = errors.New("no such batch is waiting")
	// ErrFull means that there is no room for a record, on the disk or in the
	// budget. The spool keeps what it has and takes records again as soon as
	// there is room; it declares what it refused meanwhile.
	ErrFull = errors.New("no room in the spool")
	// ErrLocked means that another process uses the directory.
	ErrLocked = errors.New("the spool is in use by another process")
)

// Options say how a spool behaves. Now and Declare are required; every other
// field has a default for its zero value.
type Options struct {
	// Budget is the size in bytes above which old content is dropped: sent
	// batches first, then the oldest unsent, which are declared as a gap. What
	// was set aside as bad does not count and is never dropped.
	Budget int64
	// Keep is how long a sent batch stays, for a hub that loses its disk.
	Keep time.Duration
	// Ballast is the size of a file that gives its place when the disk is
	// full, so that batches can still be made, sent and removed.
	Ballast int64
	// Now is the clock: it stamps what was sent, for Keep.
	Now func() time.Time
	// Declare turns a gap into a record, which then travels like any other.
	Declare func(Gap) ([]byte, error)
}

// An ID names a batch for ever: the same ID never has two contents.
type ID struct {
	Epoch string // made at random when the spool is new, and after a fork
	Seq   uint64 // from 1 on, without holes at the time of making
}

// String shows an ID as epoch/sequence.
func (id ID) String() string { return fmt.Sprintf("%s/%d", id.Epoch, id.Seq) }

// A Batch is what goes to the hub in one request.
type Batch struct {
	ID
	Server  string
	Records int       // how many were put into it
	From    time.Time // of the oldest record in it
	To      time.Time // of the newest
	Again   bool      // the hub had it once and asks for it again
	Body    []byte
}

// A Gap is a loss that the spool knows of. Some of the span may have been
// delivered: a gap says that records within it are missing, not that all are.
type Gap struct {
	Server   string
	From, To time.Time // the records' own times, both inclusive
	Records  int
	Batch    ID   // the sequence that will never come; zero if there was none
	StoodFor []ID // what Batch had replaced, as the caller of Bad says
	Reason   string
}

// Stats is what a spool holds.
type Stats struct {
	Waiting  int       // records in no batch yet
	Ready    int       // batches that wait for the hub
	Sent     int       // batches kept after the hub took them
	Bad      int       // files set aside for a person
	Lost     int       // records that found no room and are not declared yet
	Bytes    int64     // all of these files, the bad ones left out
	Budget   int64     // how many Bytes there may be
	BadBytes int64     // of what was set aside
	Oldest   time.Time // of the oldest record that the hub does not have; zero if there is none
}

// A Recovery says what opening found of an interrupted life before.
type Recovery struct {
	Unfinished int // files that were being written; nobody was told that they are safe
	Finished   int // replacements that were brought to their end
	Leftover   int // records removed because they are in a batch
	Bad        int // files set aside earlier, still there
}

// A Spool is an open spool. Its methods may be called from several
// goroutines.
type Spool struct {
	files Files
	opt   Options
	lock  io.Closer

	mu      sync.Mutex
	stale   bool // an operation failed midway: read the directory again first
	epoch   epochMark
	nextNum uint64             // of the next record
	nextSeq uint64             // of the next batch
	waiting map[string][]entry // records by server, oldest first
	batches []entry            // by epoch and sequence; bad ones left out
	bytes   int64
	bad     int
	badSize int64
	ballast bool // the file is there
	lost    map[string]Gap
	tries   map[string]int // failed attempts to read a file, by name
}

// Open opens the spool in a directory, making it if there is none, and holds
// it against other processes until Close.
func Open(dir string, opt Options) (*Spool, Recovery, error) {
	files, err := openDir(dir)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("open spool: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("open spool %s: %w", dir, err)
	}
	s, rec, err := New(files, opt)
	if err != nil {
		return nil, Recovery{}, errors.Join(err, lock.Close())
	}
	s.lock = lock
	return s, rec, nil
}

// New opens a spool whose files are kept elsewhere than in a directory, such
// as in a test. The caller sees to it that nobody else uses them.
func New(files Files, opt Options) (*Spool, Recovery, error) {
	if opt.Now == nil || opt.Declare == nil {
		return nil, Recovery{}, errors.New("open spool: Options.Now and Options.Declare are required")
	}
	if opt.Budget == 0 {
		opt.Budget = DefaultBudget
	}
	if opt.Keep == 0 {
		opt.Keep = DefaultKeep
	}
	if opt.Ballast == 0 {
		opt.Ballast = DefaultBallast
	}
	s := &Spool{files: files, opt: opt, lost: map[string]Gap{}, tries: map[string]int{}}
	rec, err := s.scan()
	if err != nil {
		return nil, Recovery{}, fmt.Errorf("open spool: %w", err)
	}
	// Without ballast Append tries again and says why it cannot.
	if err := s.makeBallast(); err != nil {
		s.ballast = false
	}
	return s, rec, nil
}

// Close lets another process open the spool. Nothing is left to be written.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	err := s.lock.Close()
	s.lock = nil
	return err
}

// Epoch returns the epoch of new batches and the sequence of the next one.
func (s *Spool) Epoch() ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ID{Epoch: s.epoch.id(), Seq: s.nextSeq}
}

// Epochs returns the present epoch and those of all batches that are kept.
func (s *Spool) Epochs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []string{s.epoch.id()}
	for _, b := range s.batches {
		if id := b.epoch.id(); !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// Stats returns what the spool holds.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Bad: s.bad, BadBytes: s.badSize, Bytes: s.bytes, Budget: s.opt.Budget}
	var oldest int64
	see := func(from int64) {
		if oldest == 0 || from < oldest {
			oldest = from
		}
	}
	for _, recs := range s.waiting {
		st.Waiting += len(recs)
		for _, r := range recs {
			see(r.from)
		}
	}
	for _, b := range s.batches {
		if b.state == stateSent {
			st.Sent++
			continue
		}
		st.Ready++
		see(b.from)
	}
	for _, g := range s.lost {
		st.Lost += g.Records
	}
	if oldest != 0 {
		st.Oldest = time.Unix(oldest, 0).UTC()
	}
	return st
}

// Waiting returns how many records of each server are in no batch yet.
func (s *Spool) Waiting() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := make(map[string]int, len(s.waiting))
	for server, recs := range s.waiting {
		n[server] = len(recs)
	}
	return n
}

// serverName is what may stand in a file's name on every system.
var serverName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// begin makes sure that memory and directory agree before an operation.
func (s *Spool) begin() error {
	if !s.stale {
		return nil
	}
	if _, err := s.scan(); err != nil {
		return fmt.Errorf("read spool again: %w", err)
	}
	s.stale = false
	return nil
}

// broke notes that an operation stopped midway: nobody knows what of it has
// happened until the directory was read again.
func (s *Spool) broke(err error) error {
	s.stale = true
	return err
}
