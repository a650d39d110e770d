-- The order of an authority that a case answers: its reference, and until when the persons must not learn of it, if it says so.
ALTER TABLE cases ADD COLUMN order_reference TEXT;
ALTER TABLE cases ADD COLUMN silent_until_ms BIGINT;
