-- When it was last found that this store is an older one than that which was seen before: an old copy was put
-- back, or nobody knows. What stands in it about orders may be out of date, up to that moment.
ALTER TABLE batches ADD COLUMN restored_at INTEGER;
