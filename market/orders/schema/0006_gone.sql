-- Who has deleted their account orders nothing any more.
ALTER TABLE credits ADD COLUMN gone TINYINT NOT NULL DEFAULT 0;
