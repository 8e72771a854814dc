-- The closed form of day blocks, and small numbers for epochs: the ledger of
-- batches named them in every row (docs/format/store.md).

-- +goose Up
-- The blocks of a UTC day of up to 256 license servers. heads stands before
-- bodies: SQLite reads a row from its front, and only as far as it is asked. The
-- rows have numbers of their own: in a table WITHOUT ROWID SQLite reads whole rows
-- on its way to one, to compare their keys, where they do not fit in a page.
CREATE TABLE pack (
	org_id INTEGER NOT NULL,
	day    INTEGER NOT NULL, -- UTC days since 1970-01-01
	part   INTEGER NOT NULL, -- server_id >> 8
	number INTEGER NOT NULL, -- grows with every pack that the organisation writes
	heads  BLOB    NOT NULL,
	bodies BLOB    NOT NULL,
	PRIMARY KEY (org_id, day, part)
) STRICT;

CREATE INDEX pack_number ON pack (org_id, number);

CREATE INDEX block_day ON block (org_id, day, server_id);

-- Nobody runs ANALYZE. Without these figures SQLite takes one organisation for
-- a few rows, and walks through all of its blocks to find those of a day. Per
-- index: rows, and rows with the same first column, first two, and so on.
ANALYZE block;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
	('block', 'block', '20000 20000 40 1'),
	('block', 'block_day', '20000 20000 500 1');
ANALYZE sqlite_schema; -- reads them

CREATE TABLE epoch_new (
	org_id   INTEGER NOT NULL,
	agent_id INTEGER NOT NULL,
	epoch    TEXT    NOT NULL,
	epoch_id INTEGER NOT NULL, -- from 1 on within its agent
	complete INTEGER NOT NULL, -- the sequence below which nothing is missing
	PRIMARY KEY (org_id, agent_id, epoch),
	UNIQUE (org_id, agent_id, epoch_id)
) STRICT, WITHOUT ROWID;

INSERT INTO epoch_new (org_id, agent_id, epoch, epoch_id, complete)
SELECT org_id, agent_id, epoch, ROW_NUMBER() OVER (PARTITION BY org_id, agent_id ORDER BY epoch), complete
FROM epoch;

DROP TABLE epoch;
ALTER TABLE epoch_new RENAME TO epoch;

-- A batch whose epoch had no row would stop this here: NULL is refused.
CREATE TABLE batch_new (
	org_id    INTEGER NOT NULL,
	agent_id  INTEGER NOT NULL,
	epoch_id  INTEGER NOT NULL,
	seq       INTEGER NOT NULL,
	hash      BLOB    NOT NULL, -- SHA-256 of the body as it was sent
	received  INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	records   INTEGER NOT NULL,
	unknown   INTEGER NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch_id, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO batch_new (org_id, agent_id, epoch_id, seq, hash, received, server_id, records, unknown)
SELECT b.org_id, b.agent_id, e.epoch_id, b.seq, b.hash, b.received, b.server_id, b.records, b.unknown
FROM batch b LEFT JOIN epoch e ON e.org_id = b.org_id AND e.agent_id = b.agent_id AND e.epoch = b.epoch;

DROP TABLE batch;
ALTER TABLE batch_new RENAME TO batch;

-- Sequences whose records came under another sequence, or never will.
CREATE TABLE replaced_new (
	org_id   INTEGER NOT NULL,
	agent_id INTEGER NOT NULL,
	epoch_id INTEGER NOT NULL,
	seq      INTEGER NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch_id, seq)
) STRICT, WITHOUT ROWID;

INSERT INTO replaced_new (org_id, agent_id, epoch_id, seq)
SELECT r.org_id, r.agent_id, e.epoch_id, r.seq
FROM replaced r LEFT JOIN epoch e ON e.org_id = r.org_id AND e.agent_id = r.agent_id AND e.epoch = r.epoch;

DROP TABLE replaced;
ALTER TABLE replaced_new RENAME TO replaced;
