package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
)

// SetPlace implements registration.Store. The server's revision rises: an answer
// that names sites is made anew.
func (db *DB) SetPlace(ctx context.Context, guid string, p registration.Place, e audit.Entry) error {
	tags, err := json.Marshal(append([]string{}, p.Tags...))
	if err != nil {
		return err
	}
	err = db.tx(ctx, func(tx *sql.Tx) error {
		e := e
		err := tx.QueryRowContext(ctx, `
			UPDATE license_server SET site = $3, tags = $4, revision = revision + 1
			WHERE org_id = $1 AND guid = $2 AND registered_at <> 0 RETURNING name`, e.Org, guid, p.Site, string(tags)).Scan(&e.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "there is no license server with the GUID %.40q", guid)
		}
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("say where license server %s stands: %w", guid, err)
	}
	return nil
}
