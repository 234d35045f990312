-- What is old is forgotten, from the beginning of each inbox: entries up to `gone_up_to` are there no more.
ALTER TABLE inboxes ADD COLUMN gone_up_to BIGINT NOT NULL DEFAULT 0;
ALTER TABLE entries ADD KEY old (at_ms, user_id, seq);
