"""Who: login, identity, roles, sessions."""
