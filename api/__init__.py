"""REST: one module per service, each with its table of routes."""
