"""A client of the product as a stranger would write it from docs/protocol.md: it imports nothing of the product.

`Person` logs in and speaks REST and WebSocket; `Socket` keeps a connection alive, resumes what it watches, repeats commands
under their key until they are answered, and remembers when each push arrived.
"""

from devkit.client.person import Person
from devkit.client.refusal import PATIENCE_S, Refusal
from devkit.client.socket import JSON, MSGPACK, Push, Received, Socket
from devkit.client.topic import Gap, Topic

__all__ = [
    "JSON", "MSGPACK", "PATIENCE_S", "Gap", "Person", "Push", "Received", "Refusal", "Socket", "Topic",
]  # fmt: skip
