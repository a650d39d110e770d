-- Contacts that a person is about to change, one a field. The new value lies sealed in the vault until its code is typed.
CREATE TABLE corrections (
    account       BIGINT           NOT NULL REFERENCES users (account),
    field         TEXT COLLATE "C" NOT NULL CHECK (field IN ('email', 'mobile_phone')),
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'refused')),
    code_mac      BYTEA            NOT NULL,
    attempts      BIGINT           NOT NULL DEFAULT 0,
    codes_sent_us BIGINT           NOT NULL,
    PRIMARY KEY (account, field)
);
