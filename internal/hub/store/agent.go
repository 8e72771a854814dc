package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"headroom/internal/fault"
	"headroom/internal/hub/audit"
	"headroom/internal/hub/registration"
	"headroom/internal/license"
)

// admit makes the agent and the servers of a confirmed registration.
func admit(ctx context.Context, tx *sql.Tx, rec *registration.Record, at time.Time) error {
	agent, err := putAgent(ctx, tx, rec, at)
	if err != nil {
		return fmt.Errorf("admit agent %s: %w", rec.AgentGUID, err)
	}
	if err := putKey(ctx, tx, rec, agent, at); err != nil {
		return fmt.Errorf("admit agent %s: %w", rec.AgentGUID, err)
	}
	for _, s := range rec.Servers {
		if err := putServer(ctx, tx, rec.Org, agent, s, at); err != nil {
			return fmt.Errorf("admit license server %s: %w", s.GUID, err)
		}
	}
	return nil
}

// putAgent makes the agent's row, or renews that of a GUID that is known.
func putAgent(ctx context.Context, tx *sql.Tx, rec *registration.Record, at time.Time) (agent int64, err error) {
	if agent, err = nextID(ctx, tx, rec.Org, "agent"); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `
		INSERT INTO agent (org_id, agent_id, guid, key_id, public_key, host, platform, version,
			registered_at, approved_by, last_seen)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)
		ON CONFLICT (org_id, guid) DO UPDATE SET
			key_id = excluded.key_id, public_key = excluded.public_key, host = excluded.host,
			platform = excluded.platform, version = excluded.version, registered_at = excluded.registered_at,
			approved_by = excluded.approved_by, last_seen = excluded.last_seen, removed_at = 0
		RETURNING agent_id`,
		rec.Org, agent, rec.AgentGUID, rec.KeyID, rec.PublicKey, rec.Host, rec.Platform, rec.Version,
		stamp(at), rec.ApprovedBy).Scan(&agent)
	return agent, err
}

// putKey makes the record's key the only one of the agent. A key can move to
// another agent only once the one that holds it is rid of it.
func putKey(ctx context.Context, tx *sql.Tx, rec *registration.Record, agent int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE agent_key SET ended_at = $3 WHERE tenant = $1 AND agent_id = $2 AND ended_at = 0`,
		rec.Org, agent, stamp(at))
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO agent_key (key_id, tenant, agent_id) VALUES ($1, $2, $3)
		ON CONFLICT (key_id) DO UPDATE SET tenant = excluded.tenant, agent_id = excluded.agent_id, ended_at = 0
		WHERE agent_key.ended_at <> 0`, rec.KeyID, rec.Org, agent)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fault.Errorf(fault.Conflict, "this key belongs to a registration that still stands; unregister the agent there first")
}

// putServer makes a server's row, or gives that of a known GUID to this agent.
func putServer(ctx context.Context, tx *sql.Tx, org, agent int64, s license.Server, at time.Time) error {
	hosts, err := json.Marshal(s.Hosts)
	if err != nil {
		return err
	}
	server, err := nextID(ctx, tx, org, "license_server")
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO license_server (org_id, server_id, guid, agent_id, name, hosts, port, host_id, manager, version,
			info_at, registered_at, last_contact)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)
		ON CONFLICT (org_id, guid) DO UPDATE SET
			agent_id = excluded.agent_id, name = excluded.name, hosts = excluded.hosts, port = excluded.port,
			host_id = excluded.host_id, manager = excluded.manager, version = excluded.version,
			info_at = excluded.info_at, last_contact = excluded.last_contact, removed_at = 0,
			registered_at = CASE license_server.registered_at WHEN 0 THEN excluded.registered_at ELSE license_server.registered_at END`,
		org, server, s.GUID, agent, s.Name, string(hosts), s.Port, s.HostID, s.Manager, s.Version, stamp(at))
	return err
}

// AgentByKey implements registration.Store. Where the key has ended, the
// agent's Removed says since when. Every request of an agent asks this.
func (db *DB) AgentByKey(ctx context.Context, keyID string) (registration.Agent, error) {
	var ended int64
	a, err := scanAgent(db.lookup(ctx, `
		SELECT `+agentColumns+`, k.ended_at
		FROM agent_key k JOIN agent a ON a.org_id = k.tenant AND a.agent_id = k.agent_id
		WHERE k.key_id = $1`, keyID), &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return registration.Agent{}, fault.Errorf(fault.NotFound, "no such key")
	}
	if err != nil {
		return registration.Agent{}, fmt.Errorf("look up the agent of a key: %w", err)
	}
	if ended != 0 {
		a.Removed = instant(ended)
	}
	return a, nil
}

// Agents implements registration.Store.
func (db *DB) Agents(ctx context.Context, org int64) ([]registration.Agent, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT `+agentColumns+` FROM agent a WHERE a.org_id = $1 ORDER BY a.host, a.agent_id`, org)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	defer rows.Close()
	var all []registration.Agent
	place := map[int64]int{} // by id
	for rows.Next() {
		a, err := scanAgent(rows)
		if err != nil {
			return nil, fmt.Errorf("list agents: %w", err)
		}
		place[a.ID] = len(all)
		all = append(all, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	servers, err := db.readServers(ctx, `WHERE org_id = $1 AND registered_at <> 0 ORDER BY name, server_id`, org)
	if err != nil {
		return nil, fmt.Errorf("list agents: %w", err)
	}
	for _, s := range servers {
		if i, ok := place[s.agent]; ok {
			all[i].Servers = append(all[i].Servers, s.Server)
		}
	}
	return all, nil
}

// agentColumns are what scanAgent reads of the table agent, as a.
const agentColumns = `a.org_id, a.agent_id, a.guid, a.public_key, a.host, a.platform, a.version, a.registered_at, a.approved_by,
	a.removed_at, a.last_seen`

// scanAgent reads an agent, and what the row has behind agentColumns.
func scanAgent(row scanner, more ...any) (registration.Agent, error) {
	var a registration.Agent
	var registered, removed, seen int64
	err := row.Scan(append([]any{
		&a.Org, &a.ID, &a.GUID, &a.PublicKey, &a.Host, &a.Platform, &a.Version, &registered, &a.ApprovedBy, &removed, &seen,
	}, more...)...)
	a.Registered, a.Removed, a.LastSeen = instant(registered), instant(removed), instant(seen)
	return a, err
}

// RemoveAgent implements registration.Store.
func (db *DB) RemoveAgent(ctx context.Context, agent int64, e audit.Entry) error {
	err := db.tx(ctx, func(tx *sql.Tx) error { return removeAgent(ctx, tx, agent, e) })
	if err != nil {
		return fmt.Errorf("remove agent %d/%d: %w", e.Org, agent, err)
	}
	return nil
}

func removeAgent(ctx context.Context, tx *sql.Tx, agent int64, e audit.Entry) error {
	var removed int64
	err := tx.QueryRowContext(ctx, `
		UPDATE agent SET last_seen = last_seen WHERE org_id = $1 AND agent_id = $2
		RETURNING host, removed_at`, e.Org, agent).Scan(&e.Subject, &removed)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Errorf(fault.NotFound, "no such registration")
	}
	if err != nil || removed != 0 {
		return err
	}
	for _, statement := range []string{
		`UPDATE agent SET removed_at = $3 WHERE org_id = $1 AND agent_id = $2`,
		`UPDATE agent_key SET ended_at = $3 WHERE tenant = $1 AND agent_id = $2 AND ended_at = 0`,
		`UPDATE license_server SET removed_at = $3 WHERE org_id = $1 AND agent_id = $2 AND removed_at = 0`,
	} {
		if _, err := tx.ExecContext(ctx, statement, e.Org, agent, stamp(e.At)); err != nil {
			return err
		}
	}
	return noteAct(ctx, tx, e)
}

// KnownGUIDs implements registration.Store.
func (db *DB) KnownGUIDs(ctx context.Context, org int64, agent string, servers []string) (bool, error) {
	args := []any{org, agent}
	places := make([]string, 0, len(servers)+1)
	for _, guid := range append(servers, "") {
		args = append(args, guid)
		places = append(places, "$"+strconv.Itoa(len(args)))
	}
	var n int
	err := db.read.QueryRowContext(ctx, `
		SELECT (SELECT COUNT(*) FROM agent WHERE org_id = $1 AND guid = $2)
			+ (SELECT COUNT(*) FROM license_server WHERE org_id = $1 AND guid IN (`+strings.Join(places, ", ")+`))`,
		args...).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up GUIDs: %w", err)
	}
	return n > 0, nil
}
