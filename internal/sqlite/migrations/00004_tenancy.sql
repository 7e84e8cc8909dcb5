-- +goose Up
-- Who has the last word on an organization: its tenant, as on all that were made
-- before there was a choice, or the site's file. TLS keys that were retired in an
-- organization that is gone stay, so that they are never bound again.

ALTER TABLE organizations ADD COLUMN managed_by TEXT NOT NULL DEFAULT 'tenant';

CREATE TABLE spent_keys (
    key_hash BLOB NOT NULL PRIMARY KEY, -- SHA-256 of the SubjectPublicKeyInfo
    spent BIGINT NOT NULL
);

-- +goose Down
DROP TABLE spent_keys;
ALTER TABLE organizations DROP COLUMN managed_by;
