"""Every Redis key and channel of the product. Keys of one topic share a hash tag, so that scripts run on Redis Cluster."""

from __future__ import annotations


def newest(topic: str) -> str:
    """HASH: the newest version published, under `v` (state) or the item's key (keyed)."""
    return f"n:{{{topic}}}"


def log_entry(topic: str, fact_id: int) -> str:
    """STRING, short-lived: this log entry has been published."""
    return f"l:{{{topic}}}:{fact_id}"


def channel(topic: str) -> str:
    return f"t:{{{topic}}}"


def topic_of(channel_name: str) -> str:
    return channel_name[3:-1]


def leases(listing_id: int) -> str:
    """HASH: the holds on one listing, and the topic's epoch and counter."""
    return f"h:{{hold:{listing_id}}}"


def area_holds(cell: str) -> str:
    """HASH, short-lived: the holds on the listings of a cell of the map, and the topic's epoch and counter."""
    return f"h:{{holds:{cell}}}"


def wake(what: str, wing: str) -> str:
    """Channel: the outbox or the inbox of a wing has something new."""
    return f"w:{what}:{wing}"


MISSED = "p:missed"
"""Channel: a publisher had to drop pushes. Whoever passes them on compares with MySQL."""


def probe(node: str) -> str:
    """Channel: a hub's own heartbeat, sent to itself."""
    return f"p:{node}"


def bucket(user_id: int) -> str:
    """HASH, short-lived: a user's command tokens."""
    return f"b:{{{user_id}}}"


def quota(user_id: int, day: int) -> str:
    """HASH, short-lived: what a user has uploaded on a day (days since 1970, UTC)."""
    return f"q:{{{user_id}}}:{day}"


def beacon(topic: str) -> str:
    """HASH, short-lived: who is present, or typing."""
    return f"e:{{{topic}}}"


def opened(listing_id: int, user_id: int, day: int) -> str:
    """STRING, short-lived: this person has opened that listing on a day (days since 1970, UTC)."""
    return f"o:{{{listing_id}}}:{user_id}:{day}"
