-- The estate of each organisation and what its agents delivered. Every table
-- of an organisation has org_id first in its primary key. Times are Unix
-- milliseconds, 0 for never; block data speaks in seconds (docs/format/store.md).

-- +goose Up
CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

-- The last number given out per organisation and kind of thing; org_id 0 numbers the organisations.
CREATE TABLE counter (
	org_id BIGINT  NOT NULL,
	name   TEXT    NOT NULL,
	n      BIGINT  NOT NULL,
	PRIMARY KEY (org_id, name)
);

CREATE TABLE organisation (
	org_id    BIGINT  NOT NULL PRIMARY KEY,
	public_id TEXT    NOT NULL UNIQUE,
	name      TEXT    NOT NULL,
	zone      TEXT    NOT NULL,
	created   BIGINT  NOT NULL
);

CREATE TABLE license_server (
	org_id          BIGINT  NOT NULL,
	server_id       BIGINT  NOT NULL,
	guid            TEXT    NOT NULL,
	agent_id        BIGINT  NOT NULL,
	name            TEXT    NOT NULL,
	hosts           TEXT    NOT NULL,           -- JSON array
	port            BIGINT  NOT NULL,
	host_id         TEXT    NOT NULL,
	manager         TEXT    NOT NULL,
	version         TEXT    NOT NULL,
	info_at         BIGINT  NOT NULL DEFAULT 0, -- when the columns from name to version were said
	registered_at   BIGINT  NOT NULL DEFAULT 0, -- both sides said yes; 0: pending
	removed_at      BIGINT  NOT NULL DEFAULT 0,
	acknowledged_at BIGINT  NOT NULL DEFAULT 0, -- an administrator took note that it is silent
	last_reported   BIGINT  NOT NULL DEFAULT 0, -- receipt of a batch with a successful reading
	last_contact    BIGINT  NOT NULL DEFAULT 0, -- of its agent
	last_reading    BIGINT  NOT NULL DEFAULT 0, -- newest successful reading, by the source's clock
	failed_at       BIGINT  NOT NULL DEFAULT 0, -- newest failed reading
	failure         TEXT    NOT NULL DEFAULT '',
	offset_at       BIGINT  NOT NULL DEFAULT 0, -- of the record that told offset_ms
	offset_ms       BIGINT  NOT NULL DEFAULT 0, -- the hub's clock minus the agent's
	holders_at      BIGINT  NOT NULL DEFAULT 0, -- when the rows of holder were so
	revision        BIGINT  NOT NULL DEFAULT 0, -- grows with every commit that touches the server
	PRIMARY KEY (org_id, server_id),
	UNIQUE (org_id, guid)
);

CREATE INDEX license_server_agent ON license_server (org_id, agent_id);

CREATE TABLE pool (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	pool_id   BIGINT  NOT NULL, -- from 1 on within its server
	feature   TEXT    NOT NULL,
	daemon    TEXT    NOT NULL, -- part of the key: only where two daemons serve one name
	variant   TEXT    NOT NULL,
	vendor    TEXT    NOT NULL, -- the vendor daemon, as told last
	vendor_at BIGINT  NOT NULL, -- when it was told
	first_at  BIGINT  NOT NULL, -- its first record
	PRIMARY KEY (org_id, server_id, pool_id),
	UNIQUE (org_id, server_id, feature, daemon, variant)
);

CREATE TABLE block (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	day       BIGINT  NOT NULL, -- UTC days since 1970-01-01
	version   BIGINT  NOT NULL, -- the server's revision that changed it last
	data      BYTEA   NOT NULL, -- series.Day
	PRIMARY KEY (org_id, server_id, day)
);

CREATE TABLE batch (
	org_id    BIGINT  NOT NULL,
	agent_id  BIGINT  NOT NULL,
	epoch     TEXT    NOT NULL,
	seq       BIGINT  NOT NULL,
	hash      BYTEA   NOT NULL, -- SHA-256 of the body as it was sent
	received  BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	records   BIGINT  NOT NULL,
	unknown   BIGINT  NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch, seq)
);

-- Sequences whose records came under another sequence, or never will.
CREATE TABLE replaced (
	org_id   BIGINT  NOT NULL,
	agent_id BIGINT  NOT NULL,
	epoch    TEXT    NOT NULL,
	seq      BIGINT  NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch, seq)
);

-- Per epoch the sequence below which nothing is missing.
CREATE TABLE epoch (
	org_id   BIGINT  NOT NULL,
	agent_id BIGINT  NOT NULL,
	epoch    TEXT    NOT NULL,
	complete BIGINT  NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch)
);

-- Who held, borrowed or waited at license_server.holders_at.
CREATE TABLE holder (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	line      BIGINT  NOT NULL, -- in the source's order
	pool_id   BIGINT  NOT NULL,
	user_name TEXT    NOT NULL,
	host      TEXT    NOT NULL,
	display   TEXT    NOT NULL,
	licenses  BIGINT  NOT NULL,
	since     BIGINT  NOT NULL,
	how       TEXT    NOT NULL,
	PRIMARY KEY (org_id, server_id, line)
);

CREATE TABLE denial (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	at        BIGINT  NOT NULL,
	pool_id   BIGINT  NOT NULL,
	user_name TEXT    NOT NULL,
	host      TEXT    NOT NULL,
	reason    TEXT    NOT NULL,
	n         BIGINT  NOT NULL, -- retries folded into it, at least 1
	PRIMARY KEY (org_id, server_id, at, pool_id, user_name, host, reason)
);

CREATE TABLE gap (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	from_at   BIGINT  NOT NULL,
	to_at     BIGINT  NOT NULL,
	reason    TEXT    NOT NULL,
	PRIMARY KEY (org_id, server_id, from_at, to_at, reason)
);
