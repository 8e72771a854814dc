-- Who may sign in and which agents may send. The column tenant leads from a
-- table of the whole hub, found by a key or an address, to an organisation.

-- +goose Up
CREATE TABLE member (
	org_id     INTEGER NOT NULL,
	member_id  INTEGER NOT NULL,
	email      TEXT    NOT NULL, -- as it is shown
	name       TEXT    NOT NULL,
	role       TEXT    NOT NULL,
	created    INTEGER NOT NULL,
	removed_at INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE login (
	email     TEXT    NOT NULL PRIMARY KEY, -- folded
	tenant    INTEGER NOT NULL,
	member_id INTEGER NOT NULL,
	password  TEXT    NOT NULL -- Argon2id, PHC string format
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
	token   TEXT    NOT NULL PRIMARY KEY, -- its hash
	data    BLOB    NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_expires ON session (expires);

-- Attempts to guess passwords and codes, per subject.
CREATE TABLE attempt (
	subject TEXT    NOT NULL PRIMARY KEY,
	n       INTEGER NOT NULL, -- in the window that began at since
	since   INTEGER NOT NULL,
	until   INTEGER NOT NULL  -- no attempt before
) STRICT, WITHOUT ROWID;

CREATE TABLE agent (
	org_id        INTEGER NOT NULL,
	agent_id      INTEGER NOT NULL,
	guid          TEXT    NOT NULL,
	key_id        TEXT    NOT NULL,
	public_key    BLOB    NOT NULL,
	host          TEXT    NOT NULL,
	platform      TEXT    NOT NULL,
	version       TEXT    NOT NULL,
	registered_at INTEGER NOT NULL, -- the license server confirmed
	approved_by   TEXT    NOT NULL,
	removed_at    INTEGER NOT NULL DEFAULT 0,
	last_seen     INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, agent_id),
	UNIQUE (org_id, guid)
) STRICT, WITHOUT ROWID;

-- Every key that an agent holds or held.
CREATE TABLE agent_key (
	key_id   TEXT    NOT NULL PRIMARY KEY,
	tenant   INTEGER NOT NULL,
	agent_id INTEGER NOT NULL,
	ended_at INTEGER NOT NULL DEFAULT 0 -- removed, or replaced by another key
) STRICT, WITHOUT ROWID;

CREATE INDEX agent_key_agent ON agent_key (tenant, agent_id);

CREATE TABLE registration (
	id          TEXT    NOT NULL PRIMARY KEY,
	code_hash   BLOB    NOT NULL UNIQUE,
	key_id      TEXT    NOT NULL,
	public_key  BLOB    NOT NULL,
	agent_guid  TEXT    NOT NULL,
	host        TEXT    NOT NULL,
	platform    TEXT    NOT NULL,
	version     TEXT    NOT NULL,
	address     TEXT    NOT NULL,
	network     TEXT    NOT NULL,
	servers     TEXT    NOT NULL, -- JSON array of what license_server holds
	asked       INTEGER NOT NULL,
	state       TEXT    NOT NULL,
	expires     INTEGER NOT NULL,
	polled      INTEGER NOT NULL DEFAULT 0,
	slower      INTEGER NOT NULL DEFAULT 0, -- milliseconds
	tenant      INTEGER NOT NULL DEFAULT 0, -- 0: not approved
	org_public  TEXT    NOT NULL DEFAULT '',
	org_name    TEXT    NOT NULL DEFAULT '',
	approved_by TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE INDEX registration_key ON registration (key_id);
CREATE INDEX registration_tenant ON registration (tenant);
CREATE INDEX registration_state ON registration (state, expires);
