-- What is offered and at what price, as one value. Search needs the prices as columns: they are read off it.
ALTER TABLE listings ADD COLUMN terms MEDIUMTEXT NULL AFTER plan;

UPDATE listings SET terms = CONCAT(
    '{"plan":', plan, ',"price_hour_fen":', COALESCE(price_hour_fen, 'null'), ',"price_day_fen":', COALESCE(price_day_fen, 'null'),
    ',"deposit_fen":', deposit_fen, '}');

ALTER TABLE listings
    MODIFY COLUMN terms MEDIUMTEXT NOT NULL,
    DROP COLUMN plan,
    DROP COLUMN price_hour_fen,
    DROP COLUMN price_day_fen,
    DROP COLUMN deposit_fen;

ALTER TABLE listings
    ADD COLUMN price_hour_fen BIGINT AS (JSON_VALUE(terms, '$.price_hour_fen')) STORED,
    ADD COLUMN price_day_fen BIGINT AS (JSON_VALUE(terms, '$.price_day_fen')) STORED,
    ADD COLUMN price_week_fen BIGINT AS (JSON_VALUE(terms, '$.price_week_fen')) STORED;
