-- What is new nearby is found without a look at the rows themselves.
ALTER TABLE findable DROP KEY new_in_district,
    ADD KEY new_in_district (district, published_ms, category, orders_created, day_fen, lat, lng);
