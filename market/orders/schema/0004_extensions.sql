-- Using longer: each extension has money and a state of its own, told in one value. `until_ms` counts what is still to be paid for.
ALTER TABLE orders ADD COLUMN extensions TEXT NOT NULL DEFAULT ('[]');
