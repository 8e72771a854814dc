-- What an administrator must hear of an agent (docs/format/store.md).

-- +goose Up
ALTER TABLE agent ADD COLUMN forked_at BIGINT NOT NULL DEFAULT 0; -- when its identity was used by two last; 0: never
ALTER TABLE agent ADD COLUMN clock_ms  BIGINT NOT NULL DEFAULT 0; -- its clock minus the hub's, at its last sign of life
