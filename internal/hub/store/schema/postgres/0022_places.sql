-- Where a license server stands and what it is for (docs/format/store.md).

-- +goose Up
ALTER TABLE license_server ADD COLUMN site TEXT NOT NULL DEFAULT '';   -- empty: not told
ALTER TABLE license_server ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'; -- JSON array
