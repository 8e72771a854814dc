-- Usage data that were deleted for good (docs/format/store.md).

-- +goose Up
ALTER TABLE license_server ADD COLUMN erased_at INTEGER NOT NULL DEFAULT 0; -- what is older was deleted
ALTER TABLE license_server ADD COLUMN erased_by TEXT NOT NULL DEFAULT '';

-- Numbers that license servers had before their usage data were deleted: what
-- still bears them is on its way out.
CREATE TABLE erased (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	at        INTEGER NOT NULL,
	PRIMARY KEY (org_id, server_id)
) STRICT, WITHOUT ROWID;
