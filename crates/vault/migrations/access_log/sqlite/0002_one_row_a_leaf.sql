-- A leaf's row holds the hashes of the subtrees that it made full, from its own up: one row an entry, where there were three.
DROP TRIGGER leaves_never_change;
ALTER TABLE leaves ADD COLUMN hashes BLOB NOT NULL DEFAULT x'';
UPDATE leaves SET hashes = made.hashes FROM (
    SELECT ((position + 1) << level) - 1 AS number, unhex(group_concat(hex(hash), '' ORDER BY level)) AS hashes
        FROM nodes GROUP BY 1
) AS made WHERE made.number = leaves.number;
CREATE TRIGGER leaves_never_change BEFORE UPDATE ON leaves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
DROP TABLE nodes;
