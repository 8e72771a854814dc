-- The estate of each organisation and what its agents delivered. Every table
-- of an organisation has org_id first in its primary key. Times are Unix
-- milliseconds, 0 for never; block data speaks in seconds (docs/format/store.md).

-- +goose Up
CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

-- The last number given out per organisation and kind of thing; org_id 0 numbers the organisations.
CREATE TABLE counter (
	org_id INTEGER NOT NULL,
	name   TEXT    NOT NULL,
	n      INTEGER NOT NULL,
	PRIMARY KEY (org_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE organisation (
	org_id    INTEGER NOT NULL PRIMARY KEY,
	public_id TEXT    NOT NULL UNIQUE,
	name      TEXT    NOT NULL,
	zone      TEXT    NOT NULL,
	created   INTEGER NOT NULL
) STRICT;

CREATE TABLE license_server (
	org_id          INTEGER NOT NULL,
	server_id       INTEGER NOT NULL,
	guid            TEXT    NOT NULL,
	agent_id        INTEGER NOT NULL,
	name            TEXT    NOT NULL,
	hosts           TEXT    NOT NULL,           -- JSON array
	port            INTEGER NOT NULL,
	host_id         TEXT    NOT NULL,
	manager         TEXT    NOT NULL,
	version         TEXT    NOT NULL,
	info_at         INTEGER NOT NULL DEFAULT 0, -- when the columns from name to version were said
	registered_at   INTEGER NOT NULL DEFAULT 0, -- both sides said yes; 0: pending
	removed_at      INTEGER NOT NULL DEFAULT 0,
	acknowledged_at INTEGER NOT NULL DEFAULT 0, -- an administrator took note that it is silent
	last_reported   INTEGER NOT NULL DEFAULT 0, -- receipt of a batch with a successful reading
	last_contact    INTEGER NOT NULL DEFAULT 0, -- of its agent
	last_reading    INTEGER NOT NULL DEFAULT 0, -- newest successful reading, by the source's clock
	failed_at       INTEGER NOT NULL DEFAULT 0, -- newest failed reading
	failure         TEXT    NOT NULL DEFAULT '',
	offset_at       INTEGER NOT NULL DEFAULT 0, -- of the record that told offset_ms
	offset_ms       INTEGER NOT NULL DEFAULT 0, -- the hub's clock minus the agent's
	holders_at      INTEGER NOT NULL DEFAULT 0, -- when the rows of holder were so
	revision        INTEGER NOT NULL DEFAULT 0, -- grows with every commit that touches the server
	PRIMARY KEY (org_id, server_id),
	UNIQUE (org_id, guid)
) STRICT, WITHOUT ROWID;

CREATE INDEX license_server_agent ON license_server (org_id, agent_id);

CREATE TABLE pool (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	pool_id   INTEGER NOT NULL, -- from 1 on within its server
	feature   TEXT    NOT NULL,
	daemon    TEXT    NOT NULL, -- part of the key: only where two daemons serve one name
	variant   TEXT    NOT NULL,
	vendor    TEXT    NOT NULL, -- the vendor daemon, as told last
	vendor_at INTEGER NOT NULL, -- when it was told
	first_at  INTEGER NOT NULL, -- its first record
	PRIMARY KEY (org_id, server_id, pool_id),
	UNIQUE (org_id, server_id, feature, daemon, variant)
) STRICT, WITHOUT ROWID;

CREATE TABLE block (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	day       INTEGER NOT NULL, -- UTC days since 1970-01-01
	version   INTEGER NOT NULL, -- the server's revision that changed it last
	data      BLOB    NOT NULL, -- series.Day
	PRIMARY KEY (org_id, server_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
	org_id    INTEGER NOT NULL,
	agent_id  INTEGER NOT NULL,
	epoch     TEXT    NOT NULL,
	seq       INTEGER NOT NULL,
	hash      BLOB    NOT NULL, -- SHA-256 of the body as it was sent
	received  INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	records   INTEGER NOT NULL,
	unknown   INTEGER NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch, seq)
) STRICT, WITHOUT ROWID;

-- Sequences whose records came under another sequence, or never will.
CREATE TABLE replaced (
	org_id   INTEGER NOT NULL,
	agent_id INTEGER NOT NULL,
	epoch    TEXT    NOT NULL,
	seq      INTEGER NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch, seq)
) STRICT, WITHOUT ROWID;

-- Per epoch the sequence below which nothing is missing.
CREATE TABLE epoch (
	org_id   INTEGER NOT NULL,
	agent_id INTEGER NOT NULL,
	epoch    TEXT    NOT NULL,
	complete INTEGER NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch)
) STRICT, WITHOUT ROWID;

-- Who held, borrowed or waited at license_server.holders_at.
CREATE TABLE holder (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	line      INTEGER NOT NULL, -- in the source's order
	pool_id   INTEGER NOT NULL,
	user_name TEXT    NOT NULL,
	host      TEXT    NOT NULL,
	display   TEXT    NOT NULL,
	licenses  INTEGER NOT NULL,
	since     INTEGER NOT NULL,
	how       TEXT    NOT NULL,
	PRIMARY KEY (org_id, server_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE denial (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	pool_id   INTEGER NOT NULL,
	user_name TEXT    NOT NULL,
	host      TEXT    NOT NULL,
	reason    TEXT    NOT NULL,
	n         INTEGER NOT NULL, -- retries folded into it, at least 1
	PRIMARY KEY (org_id, server_id, at, pool_id, user_name, host, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	from_at   INTEGER NOT NULL,
	to_at     INTEGER NOT NULL,
	reason    TEXT    NOT NULL,
	PRIMARY KEY (org_id, server_id, from_at, to_at, reason)
) STRICT, WITHOUT ROWID;
