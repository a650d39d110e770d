-- What is kept for a term is found by when it was stored.
CREATE INDEX records_stored ON records (field, stored_at_ms);
