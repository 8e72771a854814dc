-- People who are invited, where members are signed in, and what an organisation
-- has set (docs/format/store.md).

-- +goose Up
-- The column tenant leads to the organisation, as in login: an invitation is found
-- by its token.
CREATE TABLE invitation (
	token_hash    TEXT    NOT NULL PRIMARY KEY,
	tenant        INTEGER NOT NULL,
	invitation_id INTEGER NOT NULL,
	email         TEXT    NOT NULL,
	role          TEXT    NOT NULL,
	invited_by    TEXT    NOT NULL,
	created       INTEGER NOT NULL,
	expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invitation_tenant ON invitation (tenant, invitation_id);

-- A session names the row; without it the session is worth nothing.
CREATE TABLE signin (
	org_id    INTEGER NOT NULL,
	member_id INTEGER NOT NULL,
	signin_id INTEGER NOT NULL,
	begun     INTEGER NOT NULL,
	seen      INTEGER NOT NULL, -- to the minute
	address   TEXT    NOT NULL,
	browser   TEXT    NOT NULL,
	PRIMARY KEY (org_id, member_id, signin_id)
) STRICT, WITHOUT ROWID;

-- Milliseconds; 0: the default.
ALTER TABLE organisation ADD COLUMN reporting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
