-- Second factors of members, and whether an organisation wants them of all
-- (docs/format/store.md).

-- +goose Up
CREATE TABLE second_factor (
	org_id    BIGINT  NOT NULL,
	member_id BIGINT  NOT NULL,
	sealed    TEXT    NOT NULL, -- the seed, with a key outside of the database
	since     BIGINT  NOT NULL, -- 0: it is being set up
	step      BIGINT  NOT NULL, -- of the newest code that was taken: none is taken twice
	PRIMARY KEY (org_id, member_id)
);

CREATE TABLE recovery_code (
	org_id    BIGINT  NOT NULL,
	member_id BIGINT  NOT NULL,
	code_hash TEXT    NOT NULL,
	PRIMARY KEY (org_id, member_id, code_hash)
);

ALTER TABLE organisation ADD COLUMN codes BIGINT  NOT NULL DEFAULT 0; -- 1: all members have a second factor
