package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/store"
)

// ResetFactor takes the second factor of the member with an e-mail address away, in a
// store that exists: an only administrator who has lost his has nobody else to ask. A
// hub may run meanwhile.
func ResetFactor(ctx context.Context, dsn, email string) (err error) {
	if !store.IsURL(dsn) {
		if _, err := os.Stat(dsn); err != nil {
			return fmt.Errorf("reset a second factor: %w", err) // and not made anew
		}
	}
	db, err := store.Open(ctx, dsn, store.Options{Conns: 2})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return account.New(db, time.Now, nil).ResetFactorOf(ctx, email)
}
