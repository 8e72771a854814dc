package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"headroom/internal/hub/audit"
	"headroom/internal/hub/store"
)

// VerifyAudit goes through the audit logs of all organisations in a store, a
// SQLite file or a postgres:// URL, and prints a line about each. What is known of
// them from elsewhere (audit.ReadWitness) is compared too. The error says that one
// of them was changed, or could not be read. A hub may run meanwhile; the store's
// schema is brought up to date.
func VerifyAudit(ctx context.Context, dsn string, witnesses map[string][]audit.Checkpoint, out io.Writer) (err error) {
	if !store.IsURL(dsn) {
		if _, err := os.Stat(dsn); err != nil {
			return fmt.Errorf("verify the audit log: %w", err) // and not made anew
		}
	}
	db, err := store.Open(ctx, dsn, store.Options{Conns: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	orgs, err := db.Organisations(ctx)
	if err != nil {
		return err
	}
	broken, known := 0, map[string]bool{}
	for _, o := range orgs {
		known[o.PublicID] = true
		name := fmt.Sprintf("%s (%s)", o.Name, o.PublicID)
		head, err := verifyOne(ctx, db, o.ID, witnesses[o.PublicID])
		switch changed := (*changedError)(nil); {
		case errors.As(err, &changed):
			broken++
			fmt.Fprintf(out, "CHANGED  %s: %v\n", name, changed.error)
		case err != nil:
			return fmt.Errorf("verify the audit log of %s: %w", name, err)
		default:
			fmt.Fprintf(out, "ok       %s: entries %d, of them witnessed %d, head %s\n", name, head.Seq, len(witnesses[o.PublicID]), head.Head)
		}
	}
	for id := range witnesses {
		if !known[id] {
			broken++
			fmt.Fprintf(out, "GONE     the witness knows an organisation %q, and the store does not\n", id)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of the audit logs are not what was written; keep a copy of the store, and compare it with a backup", broken)
	}
	return nil
}

// A changedError says that a log is not what was written.
type changedError struct{ error }

func verifyOne(ctx context.Context, db *store.DB, org int64, witnesses []audit.Checkpoint) (audit.Checkpoint, error) {
	entries, given, err := db.AuditLog(ctx, org)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	c := audit.NewChecker(witnesses)
	for e, err := range entries {
		if err != nil {
			return audit.Checkpoint{}, err
		}
		if err := c.Add(e); err != nil {
			return audit.Checkpoint{}, &changedError{err}
		}
	}
	head, err := c.End(given)
	if err != nil {
		return head, &changedError{err}
	}
	return head, nil
}
