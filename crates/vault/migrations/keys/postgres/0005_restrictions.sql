-- Who restricts the use of their data, and since when. Here, where no backup of the records can undo it.
CREATE TABLE restrictions (
    subject  BYTEA  PRIMARY KEY,
    since_ms BIGINT NOT NULL
);
