-- Tokens of programs that ask the REST API (docs/format/store.md).

-- +goose Up
-- The column tenant leads to the organisation: a token is found by its hash.
CREATE TABLE api_token (
	token_hash TEXT    NOT NULL PRIMARY KEY,
	tenant     INTEGER NOT NULL,
	token_id   INTEGER NOT NULL,
	name       TEXT    NOT NULL,
	role       TEXT    NOT NULL,
	made_by    TEXT    NOT NULL,
	created    INTEGER NOT NULL,
	expires    INTEGER NOT NULL,
	used       INTEGER NOT NULL DEFAULT 0 -- last, to the hour
) STRICT, WITHOUT ROWID;

CREATE INDEX api_token_tenant ON api_token (tenant, token_id);
