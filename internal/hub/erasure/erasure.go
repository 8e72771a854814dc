// Package erasure deletes the usage data of license servers for good, and keeps
// that promise where an older state of the store is restored: what was deleted,
// and which registrations were removed, stands in a ledger outside of it, which is
// replayed before anything is served (docs/format/ledger.md).
//
// Deleting usage data and removing a registration are two acts; neither does the
// other. A license server that is still registered is collected anew: what its
// agent has from before the deletion is taken from it and thrown away.
package erasure

import (
	"context"
	"errors"
	"sync"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
)

// A Store deletes.
type Store interface {
	// Erase makes all usage data of a license server invisible, in one transaction
	// with the entry of the audit log, whose subject it fills in. From then on
	// nothing older than the entry's time is taken of that server. It takes as long
	// for much data as for little. A GUID that the organisation does not have is a
	// fault.NotFound.
	Erase(ctx context.Context, guid string, e audit.Entry) error

	// Purge takes away what was made invisible, from the files of the database too.
	// It may be called by several processes at once, and again after a failure.
	Purge(ctx context.Context) error

	// Erasing returns since when something waits for Purge; zero if nothing does.
	Erasing(ctx context.Context) (time.Time, error)

	// Ended lists the last deletion of each license server and the removal of each
	// agent that is removed, of all organisations.
	Ended(ctx context.Context) ([]Line, error)

	// Again does what a line says unless the store knows of it, or of a later
	// deletion or registration of the same. An organisation, server or agent that it
	// does not have is no error. Done says that something was done.
	Again(ctx context.Context, l Line) (done bool, err error)
}

// Fresh is for how long somebody counts as being there after signing in, or after
// telling the password again.
const Fresh = 5 * time.Minute

// Most is how many license servers are deleted at a time.
const Most = 100

// A Service deletes. It is safe for concurrent use.
type Service struct {
	Store Store
	Now   func() time.Time
	// Ledger is the file outside of the store; empty: none is kept.
	Ledger string

	mu   sync.Mutex // held by whoever reads or writes the ledger
	wake chan struct{}
}

// New returns a service over a store.
func New(store Store, now func() time.Time, ledger string) *Service {
	return &Service{Store: store, Now: now, Ledger: ledger, wake: make(chan struct{}, 1)}
}

// Delete deletes the usage data of a license server for good. Proved is when the
// actor showed last that it is he: longer ago than Fresh is a fault.Unauthorized.
// When it returns nil nobody sees the data any more and the deletion stands in the
// ledger; the files of the database are cleaned soon after (Run). A fault.Unavailable
// says that the data are deleted and the ledger is not written yet.
func (s *Service) Delete(ctx context.Context, actor audit.Actor, guid string, proved time.Time) error {
	if age := s.Now().Sub(proved); age < 0 || age > Fresh {
		return fault.Errorf(fault.Unauthorized, "tell your password again: this cannot be undone")
	}
	return s.delete(ctx, actor, guid, "signed in at "+proved.UTC().Format(time.RFC3339))
}

// DeleteByToken is Delete by a program. Its token may delete until an instant: an
// administrator said so when he made it, and showed that it was he. Zero, and an
// instant that has passed, are a fault.Forbidden.
func (s *Service) DeleteByToken(ctx context.Context, actor audit.Actor, guid string, until time.Time) error {
	if !s.Now().Before(until) {
		return fault.Errorf(fault.Forbidden, "this token may not delete usage data, or not any more: an administrator makes one that may, for an hour, in the console")
	}
	return s.delete(ctx, actor, guid, "by a token that may delete until "+until.UTC().Format(time.RFC3339))
}

func (s *Service) delete(ctx context.Context, actor audit.Actor, guid, detail string) error {
	e := audit.Of(actor, audit.Erased, s.Now(), "")
	e.Detail = detail
	if err := s.Store.Erase(ctx, guid, e); err != nil {
		return err
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	if err := s.Record(ctx); err != nil {
		return fault.Wrap(fault.Unavailable, err, "the usage data are deleted, but the ledger of deletions could not be written yet, "+
			"so that a restored backup would bring them back; it is tried again every five minutes, and the hub's log says why")
	}
	return nil
}

// purgeEvery is how long what failed waits, and the most that another process's
// deletion does.
const purgeEvery = 5 * time.Minute

// Run takes away what is deleted until ctx is done, and writes to the ledger what
// other processes have deleted and what was removed. How each run ended is told; what
// failed is tried again.
func (s *Service) Run(ctx context.Context, told func(begun time.Time, err error)) {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		begun := time.Now()
		told(begun, errors.Join(s.Record(ctx), s.Store.Purge(ctx)))
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// Erasing returns since when the files of the database wait to be cleaned of what
// was deleted; zero if they do not.
func (s *Service) Erasing(ctx context.Context) (time.Time, error) { return s.Store.Erasing(ctx) }
