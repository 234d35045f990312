-- What a party has been credited and debited, kept up in the very transaction that writes the journal.
CREATE TABLE balances (
    user_id BIGINT NOT NULL,
    sort VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    credited_fen BIGINT NOT NULL,
    debited_fen BIGINT NOT NULL,
    PRIMARY KEY (user_id, sort)
) ENGINE=InnoDB;

-- Journal transactions that the totals below do not hold yet: a worker rolls them up, so that the accounts that every
-- order moves are nobody's hot row.
CREATE TABLE unrolled (
    tx_id BIGINT NOT NULL PRIMARY KEY
) ENGINE=InnoDB;

CREATE TABLE totals (
    sort VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    credited_fen BIGINT NOT NULL,
    debited_fen BIGINT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE ledger_faults (
    kind VARCHAR(16) NOT NULL,
    subject VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (kind, subject)
) ENGINE=InnoDB COMMENT='append-only: what never may be: journal transactions that do not balance, overdrawn accounts';

ALTER TABLE entries DROP KEY account, ADD KEY account (account, tx_id);

INSERT INTO unrolled (tx_id) SELECT DISTINCT tx_id FROM entries;

INSERT INTO balances (user_id, sort, credited_fen, debited_fen)
    SELECT CAST(SUBSTRING_INDEX(account, ':', -1) AS SIGNED), 'owner', SUM(GREATEST(amount_fen, 0)), SUM(GREATEST(-amount_fen, 0))
    FROM entries WHERE account LIKE 'owner:%' GROUP BY account;
