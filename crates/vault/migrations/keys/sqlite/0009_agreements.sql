-- What somebody agreed to that is optional, and since when. Nobody is counted in statistics who did not agree, so nobody needs to
-- object to that any more.
CREATE TABLE agreements (
    subject  BLOB NOT NULL,
    what     TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, what)
) STRICT, WITHOUT ROWID;
DROP TABLE objections;
