-- An erased user keeps the row, so that the account's number is never given to somebody else.
ALTER TABLE users ADD COLUMN erased_us BIGINT;
