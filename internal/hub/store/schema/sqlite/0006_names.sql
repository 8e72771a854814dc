-- How the names of users and devices leave the sites of license servers
-- (docs/format/store.md).

-- +goose Up
-- A server without a row has clear names, as it ever had.
CREATE TABLE names_change (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	since     INTEGER NOT NULL, -- by the agent's clock
	mode      TEXT NOT NULL, -- clear, pseudonyms, none
	key_id    TEXT NOT NULL, -- of the key that makes the pseudonyms
	PRIMARY KEY (org_id, server_id, since, mode, key_id)
) STRICT, WITHOUT ROWID;
