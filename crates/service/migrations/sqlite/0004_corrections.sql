-- Contacts that a person is about to change, one a field. The new value lies sealed in the vault until its code is typed.
CREATE TABLE corrections (
    account       INTEGER NOT NULL REFERENCES users (account),
    field         TEXT    NOT NULL CHECK (field IN ('email', 'mobile_phone')),
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'refused')),
    code_mac      BLOB    NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    codes_sent_us INTEGER NOT NULL,
    PRIMARY KEY (account, field)
) WITHOUT ROWID;
