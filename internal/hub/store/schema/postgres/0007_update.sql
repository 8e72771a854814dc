-- An update that was asked for in the console (docs/format/store.md).

-- +goose Up
ALTER TABLE agent ADD COLUMN upload_asked_at BIGINT NOT NULL DEFAULT 0; -- 0: never
