-- People who are invited, where members are signed in, and what an organisation
-- has set (docs/format/store.md).

-- +goose Up
-- The column tenant leads to the organisation, as in login: an invitation is found
-- by its token.
CREATE TABLE invitation (
	token_hash    TEXT    NOT NULL PRIMARY KEY,
	tenant        BIGINT  NOT NULL,
	invitation_id BIGINT  NOT NULL,
	email         TEXT    NOT NULL,
	role          TEXT    NOT NULL,
	invited_by    TEXT    NOT NULL,
	created       BIGINT  NOT NULL,
	expires       BIGINT  NOT NULL
);

CREATE INDEX invitation_tenant ON invitation (tenant, invitation_id);

-- A session names the row; without it the session is worth nothing.
CREATE TABLE signin (
	org_id    BIGINT  NOT NULL,
	member_id BIGINT  NOT NULL,
	signin_id BIGINT  NOT NULL,
	begun     BIGINT  NOT NULL,
	seen      BIGINT  NOT NULL, -- to the minute
	address   TEXT    NOT NULL,
	browser   TEXT    NOT NULL,
	PRIMARY KEY (org_id, member_id, signin_id)
);

-- Milliseconds; 0: the default.
ALTER TABLE organisation ADD COLUMN reporting BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN listed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN awaited BIGINT NOT NULL DEFAULT 0;
