-- What people decided about a held row, oldest first: a JSON array of objects with `ruling` (released,
-- rejected), `about` (the code of what it was held for), `by` and `reason`.
ALTER TABLE payouts ADD COLUMN decisions TEXT NOT NULL DEFAULT '[]';
