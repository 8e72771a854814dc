-- Usage data that were deleted for good (docs/format/store.md).

-- +goose Up
ALTER TABLE license_server ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0; -- what is older was deleted
ALTER TABLE license_server ADD COLUMN erased_by TEXT NOT NULL DEFAULT '';

-- Numbers that license servers had before their usage data were deleted: what
-- still bears them is on its way out.
CREATE TABLE erased (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	at        BIGINT  NOT NULL,
	PRIMARY KEY (org_id, server_id)
);
