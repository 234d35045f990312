-- What people are party to, as orders and payments tell: nobody leaves while an order goes on, or while money is on its way.
-- `version` is the order's; 0: only its money has been heard of.
CREATE TABLE engagements (
    order_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    buyer_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL,
    ended TINYINT NOT NULL,
    received_fen BIGINT NOT NULL,
    passed_on_fen BIGINT NOT NULL,
    under_way TINYINT AS (ended = 0 OR received_fen > passed_on_fen) STORED,
    KEY bought (buyer_id, under_way),
    KEY sold (owner_id, under_way)
) ENGINE=InnoDB;
