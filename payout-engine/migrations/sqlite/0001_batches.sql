-- Times are milliseconds since 1970 (UTC). Amounts are ten-thousandths of the currency's unit, so that
-- sums are exact integers in every currency. `fence` grows with every runner and guards every write.
CREATE TABLE batches (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    code         TEXT    NOT NULL UNIQUE,
    state        TEXT    NOT NULL,
    base_url     TEXT    NOT NULL,
    seller_code  TEXT    NOT NULL,
    source       TEXT    NOT NULL,
    options      TEXT    NOT NULL,
    rows         INTEGER NOT NULL DEFAULT 0,
    fence        INTEGER NOT NULL DEFAULT 0,
    runner       TEXT    NOT NULL,
    stop_cause   TEXT,
    stop_message TEXT,
    interrupted  INTEGER NOT NULL DEFAULT 0,
    elapsed_ms   INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

-- Progress. `outcome` follows from `state`; it is stored because sums are kept by it.
CREATE TABLE payouts (
    batch_id        INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    row             INTEGER NOT NULL,
    line            INTEGER NOT NULL,
    reference       TEXT    NOT NULL,
    currency        TEXT    NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount > 0 OR outcome = 'invalid'),
    state           TEXT    NOT NULL,
    outcome         TEXT    NOT NULL,
    attempt         INTEGER NOT NULL DEFAULT 0,
    order_no        TEXT,
    sends           INTEGER NOT NULL DEFAULT 0,
    sent_at         INTEGER,
    seen            INTEGER NOT NULL DEFAULT 0,
    not_found       INTEGER NOT NULL DEFAULT 0,
    not_found_at    INTEGER,
    tries           INTEGER NOT NULL DEFAULT 0,
    next_at         INTEGER,
    watched_since   INTEGER,
    reason_code     TEXT,
    reason_message  TEXT,
    warning_code    TEXT,
    warning_message TEXT,
    holder_name     TEXT,
    transaction_id  TEXT,
    otp_url         TEXT,
    expires_at      INTEGER,
    version         INTEGER NOT NULL DEFAULT 0,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (batch_id, row)
) STRICT, WITHOUT ROWID;

-- Rows that intake refused may share a reference, or have none.
CREATE UNIQUE INDEX payouts_by_reference ON payouts (reference, batch_id) WHERE outcome <> 'invalid';
CREATE INDEX payouts_due ON payouts (batch_id, next_at, row) WHERE next_at IS NOT NULL;

-- Who is paid. Apart from the progress, so that it can be removed and the books stay whole.
CREATE TABLE payees (
    batch_id            INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    row                 INTEGER NOT NULL,
    first_name          TEXT    NOT NULL,
    last_name           TEXT    NOT NULL,
    holder_name         TEXT,
    phone_number        TEXT    NOT NULL,
    email               TEXT    NOT NULL,
    bank_account_number TEXT    NOT NULL,
    bic                 TEXT    NOT NULL,
    address             TEXT,
    city                TEXT,
    postcode            TEXT,
    body                TEXT,
    extra               TEXT    NOT NULL,
    PRIMARY KEY (batch_id, row)
) STRICT, WITHOUT ROWID;

-- What was asked for, written once, when the batch is complete.
CREATE TABLE requested (
    batch_id INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    currency TEXT    NOT NULL,
    rows     INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (batch_id, currency)
) STRICT, WITHOUT ROWID;

-- What became of it, moved with every transition in the same transaction. The sums of a currency always
-- add up to what was requested.
CREATE TABLE sums (
    batch_id INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    currency TEXT    NOT NULL,
    outcome  TEXT    NOT NULL,
    rows     INTEGER NOT NULL CHECK (rows >= 0),
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (batch_id, currency, outcome)
) STRICT, WITHOUT ROWID;
