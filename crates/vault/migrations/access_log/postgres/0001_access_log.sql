-- The append-only Merkle log of accesses.
CREATE TABLE leaves (
    number  BIGINT PRIMARY KEY,
    subject BYTEA NOT NULL,
    body    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX leaves_subject ON leaves (subject, number);

-- Hashes of full subtrees. They never change.
CREATE TABLE nodes (
    level    BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash     BYTEA    NOT NULL,
    PRIMARY KEY (level, position)
);

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only';
END
$$;
CREATE TRIGGER leaves_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON leaves
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER nodes_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON nodes
    FOR EACH STATEMENT EXECUTE FUNCTION append_only();
