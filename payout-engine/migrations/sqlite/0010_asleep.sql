-- Finds unfinished rows that only `resume` makes due again, or that were tried before, without reading past all
-- those that wait for their turn. A run that goes well has none of them.
CREATE INDEX payouts_asleep ON payouts (batch_id, row)
    WHERE outcome IN ('pending', 'in_doubt', 'awaiting_otp', 'processing')
        AND (next_at IS NULL OR outcome = 'pending' AND (tries > 0 OR watched_since IS NOT NULL));
