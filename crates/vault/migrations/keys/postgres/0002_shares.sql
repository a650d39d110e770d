-- One version of one record has a share of its own: half of what opens it. Deleting it shreds that record alone.
ALTER TABLE anchors ADD COLUMN share BYTEA;
ALTER TABLE anchors ADD COLUMN pending_share BYTEA;
