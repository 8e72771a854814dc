-- To whom licenses are assigned, by what sources servers are read, and pools whose licenses are another's (docs/format/store.md).

-- +goose Up
-- What is known of one assignee of one pool. An assignee has a license while
-- seen_to is not before roster.complete_at and after ended_at.
CREATE TABLE assignment (
	org_id     INTEGER NOT NULL,
	server_id  INTEGER NOT NULL,
	pool_id    INTEGER NOT NULL,
	kind       TEXT    NOT NULL, -- user, device
	who        TEXT    NOT NULL, -- the name, folded
	name       TEXT    NOT NULL, -- as it was written last
	first_told INTEGER NOT NULL, -- assigned first, as the source tells it
	seen_from  INTEGER NOT NULL, -- the first list with it
	seen_to    INTEGER NOT NULL, -- the last one
	last_told  INTEGER NOT NULL, -- what the source tells last of it: roster.last_is
	ended_at   INTEGER NOT NULL, -- the last word that its license is free
	PRIMARY KEY (org_id, server_id, pool_id, kind, who)
) STRICT, WITHOUT ROWID;

-- What the lists of a server say of themselves.
CREATE TABLE roster (
	org_id      INTEGER NOT NULL,
	server_id   INTEGER NOT NULL,
	at          INTEGER NOT NULL, -- of the newest list
	complete_at INTEGER NOT NULL, -- of the newest one that names all
	truncated   INTEGER NOT NULL, -- 1: users are named without their domains
	lease       INTEGER NOT NULL, -- 0: not told
	last_is     TEXT    NOT NULL, -- request, login, use
	PRIMARY KEY (org_id, server_id)
) STRICT, WITHOUT ROWID;

-- The newest list of how the sources of a server stand.
CREATE TABLE source (
	org_id    INTEGER NOT NULL,
	server_id INTEGER NOT NULL,
	line      INTEGER NOT NULL, -- in the list's order
	list_at   INTEGER NOT NULL, -- of the list
	name      TEXT    NOT NULL,
	asked_at  INTEGER NOT NULL,
	age       INTEGER NOT NULL, -- of its data then
	failure   TEXT    NOT NULL,
	absent    INTEGER NOT NULL, -- 1: it is not there
	remark    TEXT    NOT NULL,
	PRIMARY KEY (org_id, server_id, line)
) STRICT, WITHOUT ROWID;

-- The feature whose licenses a pool's were at shared_at, 0 for never. A pool
-- that was read later without a word of it has its own.
ALTER TABLE pool ADD COLUMN shared_with TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN shared_at INTEGER NOT NULL DEFAULT 0;
