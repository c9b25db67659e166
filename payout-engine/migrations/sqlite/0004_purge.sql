-- When the batch's personal data was removed (`payout purge`); NULL where they are still here.
ALTER TABLE batches ADD COLUMN purged_at INTEGER;
