-- How denials ended, and where to find those of a time.

-- +goose Up
ALTER TABLE denial ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0; -- the last refusal folded into it
ALTER TABLE denial ADD COLUMN outcome TEXT NOT NULL DEFAULT ''; -- served, unserved or '': not known

CREATE INDEX denial_at ON denial (org_id, at);
