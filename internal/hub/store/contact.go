package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/license"
)

// ContactAgent implements registration.Store.
func (db *DB) ContactAgent(ctx context.Context, org, agent int64, c registration.Contact) (registration.Heard, error) {
	states := map[string]registration.ServerState{}
	var asked, received int64
	err := db.tx(ctx, func(tx *sql.Tx) error {
		clear(states)
		_, err := tx.ExecContext(ctx, `
			UPDATE agent SET last_seen = $3, version = $4, clock_ms = $5 WHERE org_id = $1 AND agent_id = $2`,
			org, agent, stamp(c.At), c.Version, c.Clock.Milliseconds())
		if err != nil {
			return err
		}
		for _, s := range c.Servers {
			if states[s.GUID], err = contactServer(ctx, tx, org, agent, s, c.At); err != nil {
				return fmt.Errorf("license server %s: %w", s.GUID, err)
			}
		}
		return tx.QueryRowContext(ctx, `
			SELECT a.upload_asked_at, COALESCE(MAX(s.last_reported), 0)
			FROM agent a LEFT JOIN license_server s ON s.org_id = a.org_id AND s.agent_id = a.agent_id
			WHERE a.org_id = $1 AND a.agent_id = $2 GROUP BY a.upload_asked_at`, org, agent).Scan(&asked, &received)
	})
	if err != nil {
		return registration.Heard{}, fmt.Errorf("note contact of agent %d/%d: %w", org, agent, err)
	}
	return registration.Heard{Servers: states, UploadAsked: instant(asked), Received: instant(received)}, nil
}

// AskUpload implements registration.Store.
func (db *DB) AskUpload(ctx context.Context, guid string, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		var agent int64
		e := e
		err := tx.QueryRowContext(ctx, `
			SELECT agent_id, name FROM license_server WHERE org_id = $1 AND guid = $2 AND registered_at <> 0 AND removed_at = 0`,
			e.Org, guid).Scan(&agent, &e.Subject)
		none := fault.Errorf(fault.NotFound, "no registered license server has this GUID")
		if errors.Is(err, sql.ErrNoRows) {
			return none
		}
		if err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
			UPDATE agent SET upload_asked_at = $3 WHERE org_id = $1 AND agent_id = $2 AND removed_at = 0`, e.Org, agent, stamp(e.At))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			return none
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("ask for an update of license server %s: %w", guid, err)
	}
	return nil
}

// Acknowledge implements registration.Store.
func (db *DB) Acknowledge(ctx context.Context, guid string, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		e := e
		err := tx.QueryRowContext(ctx, `
			UPDATE license_server SET acknowledged_at = $3
			WHERE org_id = $1 AND guid = $2 AND registered_at <> 0 AND removed_at = 0 AND acknowledged_at <= last_reported
			RETURNING name`, e.Org, guid, stamp(e.At)).Scan(&e.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "no registered license server of which nobody has taken note has this GUID")
		}
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("take note that license server %s is silent: %w", guid, err)
	}
	return nil
}

// contactServer notes what an agent says of one server.
func contactServer(ctx context.Context, tx *sql.Tx, org, agent int64, s license.Server, at time.Time) (registration.ServerState, error) {
	hosts, err := json.Marshal(s.Hosts)
	if err != nil {
		return "", err
	}
	var known struct{ agent, registered, removed int64 }
	row := tx.QueryRowContext(ctx, `
		SELECT agent_id, registered_at, removed_at FROM license_server WHERE org_id = $1 AND guid = $2`, org, s.GUID)
	switch err := row.Scan(&known.agent, &known.registered, &known.removed); {
	case errors.Is(err, sql.ErrNoRows):
		return registration.ServerPending, addPending(ctx, tx, org, agent, s, hosts, at)
	case err != nil:
		return "", err
	case known.agent != agent:
		return registration.ServerPending, nil // never rebound without a new registration
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE license_server SET last_contact = $3, info_at = $3,
			name = $4, hosts = $5, port = $6, host_id = $7, manager = $8, version = $9
		WHERE org_id = $1 AND guid = $2 AND info_at <= $3`,
		org, s.GUID, stamp(at), s.Name, string(hosts), s.Port, s.HostID, s.Manager, s.Version)
	switch {
	case err != nil:
		return "", err
	case known.removed != 0:
		return registration.ServerRemoved, nil
	case known.registered == 0:
		return registration.ServerPending, nil
	}
	return registration.ServerApproved, nil
}

// maxPending bounds what one agent can fill an organisation's list with.
const maxPending = 100

// addPending makes the row of a server that waits for approval.
func addPending(ctx context.Context, tx *sql.Tx, org, agent int64, s license.Server, hosts []byte, at time.Time) error {
	var waiting int
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*) FROM license_server WHERE org_id = $1 AND agent_id = $2 AND registered_at = 0`, org, agent).Scan(&waiting)
	if err != nil || waiting >= maxPending {
		return err
	}
	server, err := nextID(ctx, tx, org, "license_server")
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO license_server (org_id, server_id, guid, agent_id, name, hosts, port, host_id, manager, version,
			info_at, last_contact)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)`,
		org, server, s.GUID, agent, s.Name, string(hosts), s.Port, s.HostID, s.Manager, s.Version, stamp(at))
	return err
}

// PendingServers implements registration.Store.
func (db *DB) PendingServers(ctx context.Context, org int64) ([]registration.PendingServer, error) {
	servers, err := db.readServers(ctx, `WHERE org_id = $1 AND registered_at = 0 AND removed_at = 0 ORDER BY name, server_id`, org)
	if err != nil {
		return nil, fmt.Errorf("list pending servers: %w", err)
	}
	if len(servers) == 0 {
		return nil, nil
	}
	agents, err := db.Agents(ctx, org)
	if err != nil {
		return nil, err
	}
	hosts := map[int64]string{}
	for _, a := range agents {
		hosts[a.ID] = a.Host
	}
	pending := make([]registration.PendingServer, len(servers))
	for i, s := range servers {
		pending[i] = registration.PendingServer{Server: s.Server, Agent: s.agent, Host: hosts[s.agent]}
	}
	return pending, nil
}

// ApproveServer implements registration.Store.
func (db *DB) ApproveServer(ctx context.Context, guid string, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error {
		e := e
		err := tx.QueryRowContext(ctx, `
			UPDATE license_server SET registered_at = $3
			WHERE org_id = $1 AND guid = $2 AND registered_at = 0 AND removed_at = 0
			RETURNING name`, e.Org, guid, stamp(e.At)).Scan(&e.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.Errorf(fault.NotFound, "no license server with this GUID waits for approval")
		}
		if err != nil {
			return err
		}
		return noteAct(ctx, tx, e)
	})
	if err != nil {
		return fmt.Errorf("approve license server %s: %w", guid, err)
	}
	return nil
}

// A serverRow is a license server with the agent that reads it.
type serverRow struct {
	license.Server
	agent int64
}

// readServers returns the servers of org for which where holds; where begins
// with the organisation as $1.
func (db *DB) readServers(ctx context.Context, where string, org int64) ([]serverRow, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT agent_id, guid, name, hosts, port, host_id, manager, version FROM license_server `+where, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []serverRow
	for rows.Next() {
		var s serverRow
		var hosts []byte
		if err := rows.Scan(&s.agent, &s.GUID, &s.Name, &hosts, &s.Port, &s.HostID, &s.Manager, &s.Version); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(hosts, &s.Hosts); err != nil {
			return nil, fmt.Errorf("hosts of license server %s: %w", s.GUID, err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
