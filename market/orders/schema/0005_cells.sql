-- Where on the map a listing is shown, so that its holds are shown there too.
ALTER TABLE bookables ADD COLUMN cell VARCHAR(5) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
