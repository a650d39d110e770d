-- A leaf's row holds the hashes of the subtrees that it made full, from its own up: one row an entry, where there were three.
ALTER TABLE leaves DISABLE TRIGGER leaves_never_change;
ALTER TABLE leaves ADD COLUMN hashes BYTEA NOT NULL DEFAULT '';
UPDATE leaves SET hashes = made.hashes FROM (
    SELECT ((position + 1) << level::integer) - 1 AS number, string_agg(hash, ''::bytea ORDER BY level) AS hashes
        FROM nodes GROUP BY 1
) AS made WHERE made.number = leaves.number;
ALTER TABLE leaves ENABLE TRIGGER leaves_never_change;
DROP TABLE nodes;
