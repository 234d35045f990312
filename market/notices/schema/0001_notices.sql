CREATE TABLE inboxes (
    user_id BIGINT NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL,
    read_up_to BIGINT NOT NULL,
    unread INT NOT NULL,
    unread_chats INT NOT NULL
) ENGINE=InnoDB;

-- unread_after and chats_after are the badges as of this entry; chat_seq is the newest chat line that a chat notice stands for.
CREATE TABLE entries (
    user_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    title VARCHAR(64) NOT NULL,
    body VARCHAR(512) NOT NULL,
    order_id BIGINT NULL,
    conversation_id BIGINT NULL,
    listing_id BIGINT NULL,
    up_to BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    is_unread TINYINT NOT NULL,
    chat_seq BIGINT NOT NULL,
    unread_after INT NOT NULL,
    chats_after INT NOT NULL,
    PRIMARY KEY (user_id, seq),
    KEY unread (user_id, is_unread, seq),
    KEY chats (user_id, conversation_id, is_unread)
) ENGINE=InnoDB;
