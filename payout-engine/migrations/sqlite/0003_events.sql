-- What ever happened to a batch and its rows, one line of JSON each. `hash` is a SHA-256 over the text of
-- `entry` and the hash before it, so that nothing can be changed or taken out unnoticed. No personal data
-- is in here.
CREATE TABLE events (
    batch_id INTEGER NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
    seq      INTEGER NOT NULL,
    entry    TEXT    NOT NULL,
    hash     BLOB    NOT NULL,
    PRIMARY KEY (batch_id, seq)
) STRICT, WITHOUT ROWID;

-- The end of the chain: how many events there are (NULL where a batch is older than the log), and the last
-- hash. `salt` makes what the log says of personal data unguessable; it goes when that data goes.
ALTER TABLE batches ADD COLUMN events INTEGER;
ALTER TABLE batches ADD COLUMN head   BLOB;
ALTER TABLE batches ADD COLUMN salt   BLOB;

CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the event log is never changed');
END;

-- Events go with their batch only, and a batch goes only while it is half loaded.
CREATE TRIGGER events_never_go BEFORE DELETE ON events
WHEN EXISTS (SELECT 1 FROM batches WHERE id = OLD.batch_id)
BEGIN
    SELECT RAISE(ABORT, 'the event log only grows');
END;

CREATE TRIGGER batches_never_go BEFORE DELETE ON batches WHEN OLD.state <> 'loading'
BEGIN
    SELECT RAISE(ABORT, 'a batch that was loaded is never removed');
END;
