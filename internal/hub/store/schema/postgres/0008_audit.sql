-- Who did what to an organisation (docs/format/audit.md).

-- +goose Up
CREATE TABLE audit (
	org_id    BIGINT NOT NULL,
	seq       BIGINT NOT NULL, -- from 1 on, without a gap
	at        BIGINT NOT NULL,
	act       TEXT   NOT NULL,
	member_id BIGINT NOT NULL, -- 0: no member, but an agent
	actor     TEXT   NOT NULL, -- by the name that he had
	address   TEXT   NOT NULL,
	subject   TEXT   NOT NULL, -- by the name that it had
	detail    TEXT   NOT NULL,
	hash      BYTEA  NOT NULL, -- of the entry and of the one before it
	PRIMARY KEY (org_id, seq)
);

-- Whoever wants to change what was done has to take this away first.
-- +goose StatementBegin
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'entries of the audit log are never changed or deleted';
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION audit_stays();
