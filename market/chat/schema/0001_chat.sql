CREATE TABLE listings (
    id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    title VARCHAR(255) NOT NULL
) ENGINE=InnoDB COMMENT='projection of listing.changed';

-- enquiry_listing_id is NULL for an order's conversation, so that the unique key binds enquiries alone.
CREATE TABLE conversations (
    id BIGINT NOT NULL PRIMARY KEY,
    kind VARCHAR(8) NOT NULL,
    listing_id BIGINT NOT NULL,
    enquiry_listing_id BIGINT NULL,
    title VARCHAR(255) NOT NULL,
    buyer_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    last_line_seq BIGINT NOT NULL,
    last_hash BINARY(32) NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE KEY enquiry (enquiry_listing_id, buyer_id)
) ENGINE=InnoDB;

CREATE TABLE members (
    conversation_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    read_up_to BIGINT NOT NULL,
    unread INT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, user_id),
    KEY mine (user_id, last_ms, conversation_id)
) ENGINE=InnoDB;

CREATE TABLE conversation_keys (
    conversation_id BIGINT NOT NULL PRIMARY KEY,
    wrapped VARBINARY(128) NOT NULL
) ENGINE=InnoDB COMMENT='to forget a conversation is to erase its key';

CREATE TABLE messages (
    conversation_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    sender_id BIGINT NOT NULL,
    kind VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    at_ms BIGINT NOT NULL,
    ciphertext BLOB NOT NULL,
    prev_hash BINARY(32) NOT NULL,
    hash BINARY(32) NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) ENGINE=InnoDB COMMENT='append-only: evidence, chained by hash';

-- The grants refuse already; the triggers refuse whoever has more rights than the wing.
CREATE TRIGGER messages_stay BEFORE UPDATE ON messages FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'messages are append-only';

CREATE TRIGGER messages_remain BEFORE DELETE ON messages FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'messages are append-only';
