-- Where a thing is fetched and brought back, for the parties of a paid order. Not known of what was heard of and ordered before.
ALTER TABLE bookables ADD COLUMN lat DOUBLE NULL, ADD COLUMN lng DOUBLE NULL;

ALTER TABLE orders ADD COLUMN lat DOUBLE NULL, ADD COLUMN lng DOUBLE NULL;
