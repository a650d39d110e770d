-- A tag says which generation of the index key made it.
ALTER TABLE blind_index ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;
