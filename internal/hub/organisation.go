package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"headroom/internal/hub/account"
	"headroom/internal/hub/console"
	"headroom/internal/hub/store"
)

// AddOrganisation makes another organisation in a store that exists, a SQLite file
// or a postgres:// URL, and returns the path below the hub's address at which its
// first administrator joins. A hub may run meanwhile.
func AddOrganisation(ctx context.Context, dsn, name, zone, email string) (path string, err error) {
	if !store.IsURL(dsn) {
		if _, err := os.Stat(dsn); err != nil {
			return "", fmt.Errorf("add an organisation: %w", err) // and not made anew
		}
	}
	db, err := store.Open(ctx, dsn, store.Options{Conns: 2})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	token, err := account.New(db, time.Now, nil).AddOrganisation(ctx, name, zone, email)
	if err != nil {
		return "", err
	}
	return console.InvitePath + token, nil
}
