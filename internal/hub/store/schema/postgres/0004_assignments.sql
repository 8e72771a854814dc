-- To whom licenses are assigned, by what sources servers are read, and pools whose licenses are another's (docs/format/store.md).

-- +goose Up
-- What is known of one assignee of one pool. An assignee has a license while
-- seen_to is not before roster.complete_at and after ended_at.
CREATE TABLE assignment (
	org_id     BIGINT  NOT NULL,
	server_id  BIGINT  NOT NULL,
	pool_id    BIGINT  NOT NULL,
	kind       TEXT    NOT NULL, -- user, device
	who        TEXT    NOT NULL, -- the name, folded
	name       TEXT    COLLATE "C" NOT NULL, -- as it was written last
	first_told BIGINT  NOT NULL, -- assigned first, as the source tells it
	seen_from  BIGINT  NOT NULL, -- the first list with it
	seen_to    BIGINT  NOT NULL, -- the last one
	last_told  BIGINT  NOT NULL, -- what the source tells last of it: roster.last_is
	ended_at   BIGINT  NOT NULL, -- the last word that its license is free
	PRIMARY KEY (org_id, server_id, pool_id, kind, who)
);

-- What the lists of a server say of themselves.
CREATE TABLE roster (
	org_id      BIGINT  NOT NULL,
	server_id   BIGINT  NOT NULL,
	at          BIGINT  NOT NULL, -- of the newest list
	complete_at BIGINT  NOT NULL, -- of the newest one that names all
	truncated   BIGINT  NOT NULL, -- 1: users are named without their domains
	lease       BIGINT  NOT NULL, -- 0: not told
	last_is     TEXT    NOT NULL, -- request, login, use
	PRIMARY KEY (org_id, server_id)
);

-- The newest list of how the sources of a server stand.
CREATE TABLE source (
	org_id    BIGINT  NOT NULL,
	server_id BIGINT  NOT NULL,
	line      BIGINT  NOT NULL, -- in the list's order
	list_at   BIGINT  NOT NULL, -- of the list
	name      TEXT    NOT NULL,
	asked_at  BIGINT  NOT NULL,
	age       BIGINT  NOT NULL, -- of its data then
	failure   TEXT    NOT NULL,
	absent    BIGINT  NOT NULL, -- 1: it is not there
	remark    TEXT    NOT NULL,
	PRIMARY KEY (org_id, server_id, line)
);

-- The feature whose licenses a pool's were at shared_at, 0 for never. A pool
-- that was read later without a word of it has its own.
ALTER TABLE pool ADD COLUMN shared_with TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN shared_at BIGINT NOT NULL DEFAULT 0;
