-- What other wings say of users, for WeChat: whom a letter goes to, and who wrote a line.
CREATE TABLE people (
    user_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    openid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    nickname VARCHAR(64) NOT NULL
) ENGINE=InnoDB;

-- How many letters of a kind a user still allows, as WeChat counts them, and whether they are wanted at all.
CREATE TABLE permits (
    user_id BIGINT NOT NULL,
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    remaining INT NOT NULL,
    wanted TINYINT NOT NULL,
    declined_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, kind)
) ENGINE=InnoDB;

-- Subscribe messages on their way. due_ms: when to look at it (again); of one that has an outcome, when to forget it.
CREATE TABLE letters (
    id BIGINT NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    notice_seq BIGINT NOT NULL,
    about VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    page VARCHAR(128) NOT NULL,
    said VARCHAR(1024) NOT NULL,
    made_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    looks INT NOT NULL,
    attempts INT NOT NULL,
    spent TINYINT NOT NULL,
    outcome VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    KEY due (due_ms),
    KEY about (user_id, about, made_ms)
) ENGINE=InnoDB;

-- The next thing that an order's parties are to be reminded of.
CREATE TABLE reminders (
    order_id BIGINT NOT NULL PRIMARY KEY,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    due_ms BIGINT NOT NULL,
    buyer_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    title VARCHAR(200) NOT NULL,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    KEY due (due_ms)
) ENGINE=InnoDB;
