-- What is offered and at what price as one value, seats, and who is trusted without a deposit.
ALTER TABLE bookables
    ADD COLUMN category VARCHAR(16) NOT NULL DEFAULT '' AFTER title,
    ADD COLUMN terms MEDIUMTEXT NULL;

UPDATE bookables SET terms = CONCAT(
    '{"plan":', plan, ',"price_hour_fen":', COALESCE(price_hour_fen, 'null'), ',"price_day_fen":', COALESCE(price_day_fen, 'null'),
    ',"deposit_fen":', deposit_fen, '}');

ALTER TABLE bookables
    MODIFY COLUMN terms MEDIUMTEXT NOT NULL,
    DROP COLUMN plan,
    DROP COLUMN price_hour_fen,
    DROP COLUMN price_day_fen,
    DROP COLUMN deposit_fen;

-- Seats are taken until `until_ms`: the end, and the buffer after it. Orders of before were cancelled at no cost.
ALTER TABLE orders
    ADD COLUMN seats INT NOT NULL DEFAULT 1,
    ADD COLUMN until_ms BIGINT NOT NULL DEFAULT 0 AFTER end_ms,
    ADD COLUMN policy VARCHAR(16) NOT NULL DEFAULT 'flexible';

UPDATE orders SET until_ms = end_ms;

ALTER TABLE orders
    DROP KEY taken,
    ADD KEY taken (listing_id, blocking, until_ms, start_ms, seats);

-- A buyer's credit as last heard from the ratings.
CREATE TABLE credits (
    user_id BIGINT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    centistars INT NOT NULL,
    ratings INT NOT NULL
) ENGINE=InnoDB;
