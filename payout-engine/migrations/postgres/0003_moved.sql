-- The batch goes on in another store, where and since when, and the state in which it went. NULL where it is here.
ALTER TABLE batches ADD COLUMN moved_at    BIGINT;
ALTER TABLE batches ADD COLUMN moved_to    TEXT;
ALTER TABLE batches ADD COLUMN moved_state TEXT;

CREATE OR REPLACE VIEW shown AS
    SELECT b.id, b.name, b.code, b.state, b.base_url, b.seller_code, b.source, b.options, b.rows,
        coalesce(r.fence, b.fence) AS fence, coalesce(r.runner, b.runner) AS runner, r.lease_until, b.stop_cause,
        b.stop_message, b.interrupted, b.elapsed_ms, b.created_at, b.updated_at, b.purged_at,
        b.cancel_requested_at, b.cancel_requested_by, b.cancel_reason, b.paused_at, b.paused_by, b.restored_at,
        b.moved_at, b.moved_to, b.moved_state
    FROM batches AS b LEFT JOIN LATERAL (
        SELECT * FROM runners WHERE batch_id = b.id ORDER BY fence DESC LIMIT 1) AS r ON TRUE;
