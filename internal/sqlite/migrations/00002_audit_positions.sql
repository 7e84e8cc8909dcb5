-- +goose Up
-- A position is the row's own number, so that records are appended and removed
-- without a tree of their own for it.

CREATE TABLE audit_records_by_position (
    position INTEGER NOT NULL PRIMARY KEY, -- the order of writing
    id TEXT NOT NULL UNIQUE,
    record BLOB NOT NULL -- JSON
);

INSERT INTO audit_records_by_position (position, id, record)
SELECT position, id, record FROM audit_records;

DROP TABLE audit_records;
ALTER TABLE audit_records_by_position RENAME TO audit_records;

-- +goose Down
CREATE TABLE audit_records_by_id (
    id TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL UNIQUE,
    record BLOB NOT NULL
);

INSERT INTO audit_records_by_id (id, position, record)
SELECT id, position, record FROM audit_records;

DROP TABLE audit_records;
ALTER TABLE audit_records_by_id RENAME TO audit_records;
