-- Who restricts the use of their data, and since when. Here, where no backup of the records can undo it.
CREATE TABLE restrictions (
    subject  BLOB    PRIMARY KEY,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
