-- Each key says under which generation of the key above it lies. While a subject's keys are renewed, the next ones lie beside them.
ALTER TABLE subject_keys ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE subject_keys ADD COLUMN next_key_id BLOB;
ALTER TABLE subject_keys ADD COLUMN next_sealed BLOB;
ALTER TABLE anchors ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE anchors ADD COLUMN pending_generation INTEGER NOT NULL DEFAULT 1;

-- The last rotation of each layer of keys. Whoever has the vault open works off what was asked for.
CREATE TABLE rotations (
    layer       TEXT PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state IN ('asked', 'running', 'done')),
    position    BLOB NOT NULL,
    renewed     INTEGER NOT NULL,
    asked_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER
) STRICT, WITHOUT ROWID;
