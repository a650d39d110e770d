-- Which generation of their key seals what law holds, and who is a honeytoken: while that key is renewed there are two.
ALTER TABLE held_values ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;
ALTER TABLE honeytokens ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;

-- How each key that signed the access log's heads handed over to the next, which is of this generation.
CREATE TABLE head_handovers (
    generation BIGINT PRIMARY KEY,
    body       TEXT NOT NULL
);
