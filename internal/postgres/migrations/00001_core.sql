-- +goose Up
-- Times are microseconds since 1970, UTC; NULL where there is none. Names are
-- compared and ordered by their bytes.

CREATE TABLE lease ( -- of the ktsd that may write: one row
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    epoch BIGINT NOT NULL, -- one more each time the lease is taken
    holder TEXT COLLATE "C" NOT NULL, -- the host that took it last
    instance TEXT COLLATE "C" NOT NULL, -- its state directory; '' once it was released
    renewed BIGINT NOT NULL -- by the database's clock
);

INSERT INTO lease (id, epoch, holder, instance, renewed) VALUES (1, 0, '', '', 0);

CREATE TABLE keks (
    generation BIGINT NOT NULL PRIMARY KEY,
    check_value BYTEA NOT NULL, -- tells the key from another one
    created BIGINT NOT NULL
);

CREATE TABLE organizations (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    uuid TEXT COLLATE "C" NOT NULL UNIQUE,
    approval TEXT COLLATE "C" NOT NULL,
    code_kek BIGINT NOT NULL, -- 0: no authorization code
    code_key BYTEA,
    code BYTEA,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE TABLE contacts (
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (name),
    contact TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (organization, contact)
);

CREATE TABLE clients (
    fingerprint TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (name),
    name TEXT COLLATE "C" NOT NULL,
    state BIGINT NOT NULL,
    public_key BYTEA NOT NULL,
    created BIGINT NOT NULL
);

CREATE INDEX clients_by_organization ON clients (organization, fingerprint);

CREATE TABLE certificates (
    key_hash BYTEA NOT NULL PRIMARY KEY, -- SHA-256 of the SubjectPublicKeyInfo
    client TEXT COLLATE "C" NOT NULL REFERENCES clients (fingerprint),
    created BIGINT NOT NULL,
    retired BIGINT
);

CREATE TABLE deposits (
    client TEXT COLLATE "C" NOT NULL REFERENCES clients (fingerprint),
    uuid TEXT COLLATE "C" NOT NULL,
    handle TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    not_after BIGINT,
    digest BYTEA NOT NULL,
    size BIGINT NOT NULL, -- of the contents, before sealing
    created BIGINT NOT NULL,
    deleted BIGINT,
    kek BIGINT NOT NULL REFERENCES keks (generation),
    data_key BYTEA NOT NULL, -- wrapped
    contents BYTEA NOT NULL, -- sealed
    -- Only one index begins with the client, and queries for a uuid hide their client
    -- from it: whatever statistics there are, no plan reads all of a client's rows.
    PRIMARY KEY (uuid, client),
    UNIQUE (client, handle, version)
);

-- What is sealed cannot be compressed: to try costs time and gains nothing.
ALTER TABLE deposits ALTER COLUMN contents SET STORAGE EXTERNAL;

CREATE TABLE audit_records (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL UNIQUE, -- the order of writing
    record BYTEA NOT NULL -- JSON
);

-- +goose Down
DROP TABLE audit_records;
DROP TABLE deposits;
DROP TABLE certificates;
DROP TABLE clients;
DROP TABLE contacts;
DROP TABLE organizations;
DROP TABLE keks;
DROP TABLE lease;
