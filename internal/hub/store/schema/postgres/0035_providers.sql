-- Signing in at a provider of OpenID Connect (docs/format/store.md).

-- +goose Up
CREATE TABLE provider (
	org_id    BIGINT  NOT NULL PRIMARY KEY,
	name      TEXT    NOT NULL,
	issuer    TEXT    NOT NULL,
	client_id TEXT    NOT NULL,
	sealed    TEXT    NOT NULL, -- the client's secret, with a key outside of the database
	domains   TEXT    NOT NULL, -- with a space between them; empty: only who is invited
	newcomers TEXT    NOT NULL  -- their role
);

CREATE TABLE external_login (
	org_id    BIGINT  NOT NULL,
	issuer    TEXT    NOT NULL,
	subject   TEXT    NOT NULL, -- by which the provider knows the member
	member_id BIGINT  NOT NULL,
	PRIMARY KEY (org_id, issuer, subject)
);
