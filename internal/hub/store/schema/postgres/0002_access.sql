-- Who may sign in and which agents may send. The column tenant leads from a
-- table of the whole hub, found by a key or an address, to an organisation.

-- +goose Up
CREATE TABLE member (
	org_id     BIGINT  NOT NULL,
	member_id  BIGINT  NOT NULL,
	email      TEXT    NOT NULL, -- as it is shown
	name       TEXT    NOT NULL,
	role       TEXT    NOT NULL,
	created    BIGINT  NOT NULL,
	removed_at BIGINT  NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, member_id)
);

CREATE TABLE login (
	email     TEXT    NOT NULL PRIMARY KEY, -- folded
	tenant    BIGINT  NOT NULL,
	member_id BIGINT  NOT NULL,
	password  TEXT    NOT NULL -- Argon2id, PHC string format
);

CREATE TABLE session (
	token   TEXT    NOT NULL PRIMARY KEY, -- its hash
	data    BYTEA   NOT NULL,
	expires BIGINT  NOT NULL
);

CREATE INDEX session_expires ON session (expires);

-- Attempts to guess passwords and codes, per subject.
CREATE TABLE attempt (
	subject TEXT    NOT NULL PRIMARY KEY,
	n       BIGINT  NOT NULL, -- in the window that began at since
	since   BIGINT  NOT NULL,
	until   BIGINT  NOT NULL  -- no attempt before
);

CREATE TABLE agent (
	org_id        BIGINT  NOT NULL,
	agent_id      BIGINT  NOT NULL,
	guid          TEXT    NOT NULL,
	key_id        TEXT    NOT NULL,
	public_key    BYTEA   NOT NULL,
	host          TEXT    NOT NULL,
	platform      TEXT    NOT NULL,
	version       TEXT    NOT NULL,
	registered_at BIGINT  NOT NULL, -- the license server confirmed
	approved_by   TEXT    NOT NULL,
	removed_at    BIGINT  NOT NULL DEFAULT 0,
	last_seen     BIGINT  NOT NULL DEFAULT 0,
	PRIMARY KEY (org_id, agent_id),
	UNIQUE (org_id, guid)
);

-- Every key that an agent holds or held.
CREATE TABLE agent_key (
	key_id   TEXT    NOT NULL PRIMARY KEY,
	tenant   BIGINT  NOT NULL,
	agent_id BIGINT  NOT NULL,
	ended_at BIGINT  NOT NULL DEFAULT 0 -- removed, or replaced by another key
);

CREATE INDEX agent_key_agent ON agent_key (tenant, agent_id);

CREATE TABLE registration (
	id          TEXT    NOT NULL PRIMARY KEY,
	code_hash   BYTEA   NOT NULL UNIQUE,
	key_id      TEXT    NOT NULL,
	public_key  BYTEA   NOT NULL,
	agent_guid  TEXT    NOT NULL,
	host        TEXT    NOT NULL,
	platform    TEXT    NOT NULL,
	version     TEXT    NOT NULL,
	address     TEXT    NOT NULL,
	network     TEXT    NOT NULL,
	servers     TEXT    NOT NULL, -- JSON array of what license_server holds
	asked       BIGINT  NOT NULL,
	state       TEXT    NOT NULL,
	expires     BIGINT  NOT NULL,
	polled      BIGINT  NOT NULL DEFAULT 0,
	slower      BIGINT  NOT NULL DEFAULT 0, -- milliseconds
	tenant      BIGINT  NOT NULL DEFAULT 0, -- 0: not approved
	org_public  TEXT    NOT NULL DEFAULT '',
	org_name    TEXT    NOT NULL DEFAULT '',
	approved_by TEXT    NOT NULL DEFAULT ''
);

CREATE INDEX registration_key ON registration (key_id);
CREATE INDEX registration_tenant ON registration (tenant);
CREATE INDEX registration_state ON registration (state, expires);
