-- The batch goes on in another store, where and since when, and the state in which it went. NULL where it is here.
ALTER TABLE batches ADD COLUMN moved_at    INTEGER;
ALTER TABLE batches ADD COLUMN moved_to    TEXT;
ALTER TABLE batches ADD COLUMN moved_state TEXT;
