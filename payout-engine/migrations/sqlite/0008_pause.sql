-- Somebody wants nothing of the batch to be sent until it is started again. NULL where it is not paused.
ALTER TABLE batches ADD COLUMN paused_at INTEGER;
ALTER TABLE batches ADD COLUMN paused_by TEXT;
