-- Until when nothing is withdrawn, after a change that a thief would begin with.
ALTER TABLE users ADD COLUMN cooling_until_us BIGINT NOT NULL DEFAULT 0;
