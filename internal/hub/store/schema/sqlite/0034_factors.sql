-- Second factors of members, and whether an organisation wants them of all
-- (docs/format/store.md).

-- +goose Up
CREATE TABLE second_factor (
	org_id    INTEGER NOT NULL,
	member_id INTEGER NOT NULL,
	sealed    TEXT    NOT NULL, -- the seed, with a key outside of the database
	since     INTEGER NOT NULL, -- 0: it is being set up
	step      INTEGER NOT NULL, -- of the newest code that was taken: none is taken twice
	PRIMARY KEY (org_id, member_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_code (
	org_id    INTEGER NOT NULL,
	member_id INTEGER NOT NULL,
	code_hash TEXT    NOT NULL,
	PRIMARY KEY (org_id, member_id, code_hash)
) STRICT, WITHOUT ROWID;

ALTER TABLE organisation ADD COLUMN codes INTEGER NOT NULL DEFAULT 0; -- 1: all members have a second factor
