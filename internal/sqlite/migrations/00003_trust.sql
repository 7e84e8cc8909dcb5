-- +goose Up
-- Rows that decide over access carry a MAC under the key-encryption key. A purged
-- deposit keeps all but its sealed bytes.

ALTER TABLE organizations ADD COLUMN mac BLOB;
ALTER TABLE contacts ADD COLUMN mac BLOB;
ALTER TABLE clients ADD COLUMN mac BLOB;
ALTER TABLE certificates ADD COLUMN mac BLOB;
ALTER TABLE deposits ADD COLUMN purged BIGINT;

CREATE INDEX clients_pending ON clients (organization, created) WHERE state = 1;
CREATE INDEX certificates_by_client ON certificates (client, created);

CREATE TABLE usage (
    holder TEXT NOT NULL PRIMARY KEY, -- client/FINGERPRINT or organization/NAME
    deposits BIGINT NOT NULL, -- deleted ones included, purged ones not
    bytes BIGINT NOT NULL -- of their contents, before sealing
);

INSERT INTO usage (holder, deposits, bytes)
SELECT 'client/' || client, count(*), sum(size) FROM deposits GROUP BY client;

INSERT INTO usage (holder, deposits, bytes)
SELECT 'organization/' || k.organization, count(*), sum(d.size)
FROM deposits d JOIN clients k ON k.fingerprint = d.client GROUP BY k.organization;

-- +goose Down
DROP TABLE usage;
DROP INDEX certificates_by_client;
DROP INDEX clients_pending;
ALTER TABLE deposits DROP COLUMN purged;
ALTER TABLE certificates DROP COLUMN mac;
ALTER TABLE clients DROP COLUMN mac;
ALTER TABLE contacts DROP COLUMN mac;
ALTER TABLE organizations DROP COLUMN mac;
