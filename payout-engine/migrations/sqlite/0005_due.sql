-- Finds the rows whose order is under way without reading past all those of which nothing was sent.
CREATE INDEX payouts_under_way ON payouts (batch_id, next_at, row)
    WHERE next_at IS NOT NULL AND outcome <> 'pending';
