package hub

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"headroom/internal/hub/audit"
	"headroom/internal/hub/store"
)

// VerifyAudit goes through the audit logs of all organisations in a store, a
// SQLite file or a postgres:// URL, and prints a line about each. What is known of
// them from elsewhere (audit.ReadWitness) is compared too. The error says that one
// of them was changed, or could not be read. What an agent has witnessed must have
// been signed by the hub whose store it is: an agent could make up a checkpoint. A hub may run meanwhile; the store's
// schema is brought up to date.
func VerifyAudit(ctx context.Context, dsn string, w audit.Witness, out io.Writer) (err error) {
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
	if err := checkSigned(ctx, db, w.Signed); err != nil {
		return err
	}
	witnesses := w.Checkpoints
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

// checkSigned refuses checkpoints that the hub of a store did not sign.
func checkSigned(ctx context.Context, db *store.DB, all []audit.Signed) error {
	if len(all) == 0 {
		return nil
	}
	key, err := witnessKey(ctx, db)
	if err != nil {
		return err
	}
	for i := range all {
		if s := &all[i]; !s.SignedBy(key.Public().(ed25519.PublicKey)) {
			return fmt.Errorf("the witness's checkpoint of entry %d, of %s, was not signed by the hub of this store: "+
				"the file is another hub's, or was changed", s.Seq, s.At.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// witnessKey is the key with which a hub signs checkpoints.
func witnessKey(ctx context.Context, db *store.DB) (ed25519.PrivateKey, error) {
	seed, err := secret(ctx, db, "witness_key")
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
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
