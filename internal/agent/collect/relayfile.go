package collect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"headroom/internal/format/facts"
	"headroom/internal/format/relay"
	"headroom/internal/license"
)

const (
	// relayLag is how long after a lease its line in the audit log may come.
	relayLag = 5 * time.Second
	// relayBack bounds how far back in the audit log is looked, in lines: most
	// are heartbeats.
	relayBack = 5_000_000
)

// A RelayFile reads the SQLite database of a Keygen Relay: the licenses as they
// are, and from the audit log when they were out. The database is opened to be
// read only, and nothing is left beside it. The columns with license keys and
// license files are in no query.
type RelayFile struct {
	path    string
	timeout time.Duration
	now     func() time.Time
	told    relayMark
}

// A relayMark is how far the audit log was told.
type relayMark struct {
	id int64     // of the last line that was told
	to time.Time // uses were told up to here; zero: none
}

// NewRelayFile returns a reader of the database at path. resume is that of the
// last result that is safe, or empty; a timeout of 0 is DefaultTimeout.
func NewRelayFile(path, resume string, timeout time.Duration, now func() time.Time) (*RelayFile, error) {
	r := &RelayFile{path: path, timeout: timeout, now: now}
	if timeout == 0 {
		r.timeout = DefaultTimeout
	}
	if resume == "" {
		return r, nil
	}
	id, to, _ := strings.Cut(resume, " ")
	var err error
	if r.told.id, err = strconv.ParseInt(id, 10, 64); err == nil {
		r.told.to, err = time.Parse(time.RFC3339, to)
	}
	if err != nil {
		return nil, fmt.Errorf("resume reading %s: %w", path, err)
	}
	return r, nil
}

// Read reads licenses and audit log as they were at one instant.
func (r *RelayFile) Read(ctx context.Context) (Result, error) {
	limited, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	now := r.now().Truncate(time.Second)
	found, err := r.query(limited)
	switch {
	case ctx.Err() != nil:
		return Result{}, ctx.Err()
	case limited.Err() != nil:
		return failed(now, fmt.Sprintf("%s was not read within %v", r.path, r.timeout)), nil
	case err != nil:
		return failed(now, fmt.Sprintf("%s: %v", r.path, err)), nil
	}
	return r.result(found, now), nil
}

// A relayContent is what a database holds.
type relayContent struct {
	licenses []relay.License
	pools    []string
	events   []facts.Event // lease events after the mark, in the order of the log
	ids      []int64       // of the events
	last     int64         // line of the audit log
	anew     bool          // the events are not those that follow the mark
	unlogged error         // why there are no events; nil if there are, as far as the log has any
	shared   bool          // licenses can have several seats
}

// result tells the uses in portions, and the counts with the last one.
func (r *RelayFile) result(c relayContent, now time.Time) Result {
	res := Result{At: now, Server: license.Server{Manager: relay.Manager}}
	if len(c.licenses)+len(c.pools) == 0 {
		res.Failure = "Keygen Relay has no licenses"
		return res
	}
	if c.unlogged != nil {
		res.Note = oneLine(fmt.Sprintf("the audit log was not read: %v", c.unlogged))
	} else {
		r.tell(&res, c, now.Add(-relayLag))
	}
	if !res.More {
		res.Snapshot = relay.Snapshot(c.licenses, c.pools)
		res.Snapshot.At, res.Own = now, true
	}
	return res
}

// tell adds the uses from the mark until an instant, or the first portion.
func (r *RelayFile) tell(res *Result, c relayContent, to time.Time) {
	if c.anew {
		r.told = relayMark{}
	}
	if len(c.events) > maxSteps {
		portion := later(c.events[maxSteps].At, later(c.events[0].At, r.told.to).Add(time.Second))
		if portion.Before(to) {
			to, res.More = portion, true
		}
	}
	if !c.shared && to.After(r.told.to) {
		uses, ok := relay.Uses(c.licenses, c.events, r.told.to, to)
		res.Events = eventsOf(uses)
		if !ok {
			res.Note = "the audit log does not agree with the licenses: it does not tell their use since the last reading"
		}
	}
	r.told = r.mark(c, to)
	res.Resume = fmt.Sprintf("%d %s", r.told.id, r.told.to.UTC().Format(time.RFC3339))
}

// mark returns how far the log is told once the uses until to are.
func (r *RelayFile) mark(c relayContent, to time.Time) relayMark {
	m := relayMark{id: c.last, to: later(r.told.to, to)}
	for i, e := range c.events {
		if !e.At.Before(to) {
			m.id = r.told.id
			if i > 0 {
				m.id = c.ids[i-1]
			}
			break
		}
	}
	return m
}

// query reads the database.
func (r *RelayFile) query(ctx context.Context) (c relayContent, err error) {
	source, err := readOnly(r.path)
	if err != nil {
		return c, err
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one state of all tables
	if err != nil {
		return c, err
	}
	defer tx.Rollback()
	q := relayQuery{ctx, tx}
	return q.content(r.told.id)
}

// readOnly names a database so that opening it changes nothing. A database in
// WAL mode whose log is missing is open nowhere: it is read as it is, because
// SQLite would make a log for it otherwise.
func readOnly(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	head := make([]byte, 20)
	n, err := f.ReadAt(head, 0)
	if err := errors.Join(err, f.Close()); n < len(head) {
		return "", fmt.Errorf("is this the database of a Keygen Relay? %w", err)
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/relay.sqlite
	}
	name := "file://" + (&url.URL{Path: slashed}).EscapedPath() + "?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(5000)"
	const wal = 2 // of the header's version for readers
	if _, err := os.Stat(path + "-wal"); head[19] == wal && errors.Is(err, fs.ErrNotExist) {
		name += "&immutable=1"
	}
	return name, nil
}
