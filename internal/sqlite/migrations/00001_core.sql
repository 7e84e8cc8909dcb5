-- +goose Up
-- Times are microseconds since 1970, UTC; NULL where there is none.

CREATE TABLE node (
    name TEXT NOT NULL PRIMARY KEY -- the host this file belongs to: one row
);

CREATE TABLE keks (
    generation BIGINT NOT NULL PRIMARY KEY,
    check_value BLOB NOT NULL, -- tells the key from another one
    created BIGINT NOT NULL
);

CREATE TABLE organizations (
    name TEXT NOT NULL PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    approval TEXT NOT NULL,
    code_kek BIGINT NOT NULL, -- 0: no authorization code
    code_key BLOB,
    code BLOB,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE contacts (
    organization TEXT NOT NULL REFERENCES organizations (name),
    contact TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (organization, contact)
);

CREATE TABLE clients (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    organization TEXT NOT NULL REFERENCES organizations (name),
    name TEXT NOT NULL,
    state BIGINT NOT NULL,
    public_key BLOB NOT NULL,
    created BIGINT NOT NULL
);

CREATE INDEX clients_by_organization ON clients (organization, fingerprint);

CREATE TABLE certificates (
    key_hash BLOB NOT NULL PRIMARY KEY, -- SHA-256 of the SubjectPublicKeyInfo
    client TEXT NOT NULL REFERENCES clients (fingerprint),
    created BIGINT NOT NULL,
    retired BIGINT
);

CREATE TABLE deposits (
    client TEXT NOT NULL REFERENCES clients (fingerprint),
    uuid TEXT NOT NULL,
    handle TEXT NOT NULL,
    version BIGINT NOT NULL,
    not_after BIGINT,
    digest BLOB NOT NULL,
    size BIGINT NOT NULL, -- of the contents, before sealing
    created BIGINT NOT NULL,
    deleted BIGINT,
    kek BIGINT NOT NULL REFERENCES keks (generation),
    data_key BLOB NOT NULL, -- wrapped
    contents BLOB NOT NULL, -- sealed
    PRIMARY KEY (client, uuid),
    UNIQUE (client, handle, version)
);

CREATE TABLE audit_records (
    id TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL UNIQUE, -- the order of writing
    record BLOB NOT NULL -- JSON
);

-- +goose Down
DROP TABLE audit_records;
DROP TABLE deposits;
DROP TABLE certificates;
DROP TABLE clients;
DROP TABLE contacts;
DROP TABLE organizations;
DROP TABLE keks;
DROP TABLE node;
