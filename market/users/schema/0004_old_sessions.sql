-- Sessions that are over are forgotten some time later.
ALTER TABLE sessions ADD KEY expired (expires_ms);
