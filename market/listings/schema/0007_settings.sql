-- What operators set at run time, by name: `weights`, `experiment:ID`, `flag:NAME`. The row `weights` is also the lock under
-- which experiments share the traffic. Nothing is deleted and versions rise, so their sum says whether anything has changed.
CREATE TABLE settings (
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body MEDIUMTEXT NOT NULL
) ENGINE=InnoDB;

INSERT INTO settings (name, version, body)
VALUES ('weights', 1, '{"distance":0.4,"deal_rate":0.3,"rating":0.2,"price":0.1}');

CREATE TABLE setting_changes (
    id BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    version BIGINT NOT NULL,
    actor_id BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    reason VARCHAR(200) NOT NULL,
    body_before MEDIUMTEXT NULL,
    body_after MEDIUMTEXT NOT NULL,
    KEY of_setting (name, id)
) ENGINE=InnoDB COMMENT='append-only: who changed what, when, and why';

-- Who does not want what they are shown to be chosen for them, and who has thought better of it.
CREATE TABLE choices (
    user_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    personal TINYINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    KEY changed (changed_ms),
    KEY chosen (personal, user_id)
) ENGINE=InnoDB;
