"""Forgetting what is old, from the beginning of each inbox, so that what is left has no gaps."""

from __future__ import annotations

from infra.mysql.database import Tx
from market.kernel.ids import Id
from market.notices import store
from market.notices.rules import inbox as rules
from market.notices.wing import Notices

BATCH = 500


async def prune(notices: Notices, now_ms: int) -> int:
    """Forget some of what is older than it is kept for: how many inboxes. Locks each, one after the other."""
    async with notices.db.read() as cursor:
        old = await store.old_entries(cursor, now_ms - notices.kept_ms, BATCH)
    for user_id, up_to in old.items():
        await _forget(notices, user_id, up_to, now_ms)
    return len(old)


async def _forget(notices: Notices, user_id: Id, up_to: int, now_ms: int) -> None:
    """What nobody has read in all this time counts as read, on all devices."""

    async def body(tx: Tx) -> None:
        inbox = await store.lock_inbox(tx, user_id)
        if await store.read_all_up_to(tx, user_id, up_to):
            unread, chats = await store.count_unread(tx, user_id)
            inbox, entry = rules.mark(inbox, up_to, unread, chats, now_ms)
            store.append(tx, inbox, entry)
            tx.emit(rules.added(inbox, entry))
        store.forget(tx, user_id, up_to)

    await notices.db.act(now_ms, body, type(None))
