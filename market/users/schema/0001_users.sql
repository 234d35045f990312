CREATE TABLE users (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    openid VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    nickname VARCHAR(64) NOT NULL,
    avatar_url VARCHAR(512) NOT NULL,
    role VARCHAR(16) NOT NULL,
    banned TINYINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE KEY openid (openid)
) ENGINE=InnoDB;

CREATE TABLE sessions (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    generation INT NOT NULL,
    revoked VARCHAR(200) NOT NULL,
    expires_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    KEY of_user (user_id, revoked)
) ENGINE=InnoDB;
