-- Tokens with which usage data may be deleted for some time (docs/format/store.md).

-- +goose Up
ALTER TABLE api_token ADD COLUMN erases INTEGER NOT NULL DEFAULT 0; -- until when; 0: never
