"""Finding what is live, best first: `port` says what is asked of an engine, `mysql` is the one there is."""
