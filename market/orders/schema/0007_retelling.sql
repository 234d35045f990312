-- How far orders have been told of once more, for wings that learn to listen when there are orders already.
CREATE TABLE retelling (
    id TINYINT NOT NULL PRIMARY KEY,
    after_id BIGINT NOT NULL
) ENGINE=InnoDB;
INSERT INTO retelling (id, after_id) VALUES (1, 0);
