-- The closed form of day blocks, and small numbers for epochs: the ledger of
-- batches named them in every row (docs/format/store.md).

-- +goose Up
-- The blocks of a UTC day of up to 256 license servers. heads stands before
-- bodies: SQLite reads a row from its front, and only as far as it is asked.
CREATE TABLE pack (
	org_id BIGINT  NOT NULL,
	day    BIGINT  NOT NULL, -- UTC days since 1970-01-01
	part   BIGINT  NOT NULL, -- server_id >> 8
	number BIGINT  NOT NULL, -- grows with every pack that the organisation writes
	heads  BYTEA   NOT NULL,
	bodies BYTEA   NOT NULL,
	PRIMARY KEY (org_id, day, part)
);

-- Packed bits do not compress.
ALTER TABLE pack ALTER COLUMN heads SET STORAGE EXTERNAL;
ALTER TABLE pack ALTER COLUMN bodies SET STORAGE EXTERNAL;

CREATE INDEX pack_number ON pack (org_id, number);

CREATE INDEX block_day ON block (org_id, day, server_id);

CREATE TABLE epoch_new (
	org_id   BIGINT  NOT NULL,
	agent_id BIGINT  NOT NULL,
	epoch    TEXT    NOT NULL,
	epoch_id BIGINT  NOT NULL, -- from 1 on within its agent
	complete BIGINT  NOT NULL, -- the sequence below which nothing is missing
	PRIMARY KEY (org_id, agent_id, epoch),
	UNIQUE (org_id, agent_id, epoch_id)
);

INSERT INTO epoch_new (org_id, agent_id, epoch, epoch_id, complete)
SELECT org_id, agent_id, epoch, ROW_NUMBER() OVER (PARTITION BY org_id, agent_id ORDER BY epoch), complete
FROM epoch;

DROP TABLE epoch;
ALTER TABLE epoch_new RENAME TO epoch;
ALTER INDEX epoch_new_pkey RENAME TO epoch_pkey;
ALTER INDEX epoch_new_org_id_agent_id_epoch_id_key RENAME TO epoch_org_id_agent_id_epoch_id_key;

-- A batch whose epoch had no row would stop this here: NULL is refused.
CREATE TABLE batch_new (
	org_id    BIGINT  NOT NULL,
	agent_id  BIGINT  NOT NULL,
	epoch_id  BIGINT  NOT NULL,
	seq       BIGINT  NOT NULL,
	hash      BYTEA   NOT NULL, -- SHA-256 of the body as it was sent
	received  BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	records   BIGINT  NOT NULL,
	unknown   BIGINT  NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch_id, seq)
);

INSERT INTO batch_new (org_id, agent_id, epoch_id, seq, hash, received, server_id, records, unknown)
SELECT b.org_id, b.agent_id, e.epoch_id, b.seq, b.hash, b.received, b.server_id, b.records, b.unknown
FROM batch b LEFT JOIN epoch e ON e.org_id = b.org_id AND e.agent_id = b.agent_id AND e.epoch = b.epoch;

DROP TABLE batch;
ALTER TABLE batch_new RENAME TO batch;
ALTER INDEX batch_new_pkey RENAME TO batch_pkey;

-- Sequences whose records came under another sequence, or never will.
CREATE TABLE replaced_new (
	org_id   BIGINT  NOT NULL,
	agent_id BIGINT  NOT NULL,
	epoch_id BIGINT  NOT NULL,
	seq      BIGINT  NOT NULL,
	PRIMARY KEY (org_id, agent_id, epoch_id, seq)
);

INSERT INTO replaced_new (org_id, agent_id, epoch_id, seq)
SELECT r.org_id, r.agent_id, e.epoch_id, r.seq
FROM replaced r LEFT JOIN epoch e ON e.org_id = r.org_id AND e.agent_id = r.agent_id AND e.epoch = r.epoch;

DROP TABLE replaced;
ALTER TABLE replaced_new RENAME TO replaced;
ALTER INDEX replaced_new_pkey RENAME TO replaced_pkey;
