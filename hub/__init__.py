"""Sockets in, state out. What it says and hears is written down in docs/protocol.md."""
