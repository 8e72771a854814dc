-- Who did what to an organisation (docs/format/audit.md).

-- +goose Up
CREATE TABLE audit (
	org_id    INTEGER NOT NULL,
	seq       INTEGER NOT NULL, -- from 1 on, without a gap
	at        INTEGER NOT NULL,
	act       TEXT    NOT NULL,
	member_id INTEGER NOT NULL, -- 0: no member, but an agent
	actor     TEXT    NOT NULL, -- by the name that he had
	address   TEXT    NOT NULL,
	subject   TEXT    NOT NULL, -- by the name that it had
	detail    TEXT    NOT NULL,
	hash      BLOB    NOT NULL, -- of the entry and of the one before it
	PRIMARY KEY (org_id, seq)
) STRICT, WITHOUT ROWID;

-- Whoever wants to change what was done has to take these away first.
-- +goose StatementBegin
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
	SELECT RAISE(ABORT, 'entries of the audit log are never changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN
	SELECT RAISE(ABORT, 'entries of the audit log are never deleted');
END;
-- +goose StatementEnd
