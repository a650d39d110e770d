-- Each key says under which generation of the key above it lies. While a subject's keys are renewed, the next ones lie beside them.
ALTER TABLE subject_keys ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;
ALTER TABLE subject_keys ADD COLUMN next_key_id BYTEA;
ALTER TABLE subject_keys ADD COLUMN next_sealed BYTEA;
ALTER TABLE anchors ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;
ALTER TABLE anchors ADD COLUMN pending_generation BIGINT NOT NULL DEFAULT 1;

-- The last rotation of each layer of keys. Whoever has the vault open works off what was asked for.
CREATE TABLE rotations (
    layer       TEXT COLLATE "C" PRIMARY KEY,
    state       TEXT COLLATE "C" NOT NULL CHECK (state IN ('asked', 'running', 'done')),
    position    BYTEA NOT NULL,
    renewed     BIGINT NOT NULL,
    asked_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT
);
