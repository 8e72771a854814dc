-- What organisations say of features instead of the catalog, and for how long they keep
-- usage data (docs/format/store.md).

-- +goose Up
CREATE TABLE catalog_override (
	org_id       INTEGER NOT NULL,
	product      TEXT NOT NULL, -- the key that the catalog gives a feature
	into_product TEXT NOT NULL, -- the key of the product as which it counts; '': its own
	name         TEXT NOT NULL, -- '': the catalog's; so for the next two
	edition      TEXT NOT NULL,
	model        TEXT NOT NULL,
	hidden       INTEGER NOT NULL,
	PRIMARY KEY (org_id, product)
) STRICT, WITHOUT ROWID;

ALTER TABLE organisation ADD COLUMN catalog INTEGER NOT NULL DEFAULT 0; -- grows with every change of catalog_override

ALTER TABLE organisation ADD COLUMN keep_days INTEGER NOT NULL DEFAULT 0; -- 0: for ever
ALTER TABLE organisation ADD COLUMN trimmed_before INTEGER NOT NULL DEFAULT 0; -- the UTC day before which usage data were removed; 0: never
ALTER TABLE organisation ADD COLUMN trimmed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organisation ADD COLUMN trimming_until INTEGER NOT NULL DEFAULT 0; -- a hub process removes; another may once this has passed
