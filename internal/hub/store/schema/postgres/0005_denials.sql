-- How denials ended, where to find those of a time, and where history was
-- imported.

-- +goose Up
ALTER TABLE denial ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0; -- the last refusal folded into it
ALTER TABLE denial ADD COLUMN outcome TEXT NOT NULL DEFAULT ''; -- served, unserved or '': not known

CREATE INDEX denial_at ON denial (org_id, at);

-- The days of license servers in which imported history counts.
CREATE TABLE imported (
	org_id    BIGINT  NOT NULL,
	day       BIGINT  NOT NULL, -- UTC days since 1970-01-01
	server_id BIGINT  NOT NULL,
	PRIMARY KEY (org_id, day, server_id)
);
