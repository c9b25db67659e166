-- Until when the runner of a batch counts as alive although nothing is heard of it, and on which machine it
-- is. NULL where nobody is at it. Only for telling runners apart: what keeps their writes apart is `fence`.
ALTER TABLE batches ADD COLUMN lease_until INTEGER;
ALTER TABLE batches ADD COLUMN lease_host  TEXT;

-- Somebody wants nothing more of the batch to be sent. Written once, and never taken back.
ALTER TABLE batches ADD COLUMN cancel_requested_at INTEGER;
ALTER TABLE batches ADD COLUMN cancel_requested_by TEXT;
ALTER TABLE batches ADD COLUMN cancel_reason       TEXT;
