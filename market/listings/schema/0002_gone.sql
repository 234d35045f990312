-- Since when a listing is as it is, and since when one has been away from a cell: what has gone lately is told to whoever asks
-- for the cell, because the push that said so may have been lost.
ALTER TABLE listings ADD COLUMN changed_ms BIGINT NOT NULL DEFAULT 0, ADD KEY changed_in_cell (cell, changed_ms);

ALTER TABLE departures ADD COLUMN changed_ms BIGINT NOT NULL DEFAULT 0, ADD KEY changed_in_cell (cell, changed_ms);
