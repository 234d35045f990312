"""Sending letters: WeChat is called between transactions. One takes the letter, and the permit that it costs; another records the end.

At least once: whose sender dies between WeChat's answer and its recording is sent again when the lease runs out. WeChat itself holds
a repetition back from who allowed one (43101); only who allowed several may get it twice, and nobody misses that an order waits. A
permit is spent once, however often a letter is tried, and given back if the letter never went.
"""

from __future__ import annotations

import structlog

from infra import failpoints
from infra.mysql.database import Tx
from market.kernel.errors import BadInput, Forbidden, NotFound, Unavailable
from market.kernel.ids import Id
from market.notices import actions, letter_store
from market.notices.letter_store import Due
from market.notices.rules import letters, telling
from market.notices.rules.letters import WAITS_MS
from market.notices.templates import Template
from market.notices.wing import Notices

TAKEN_MS = 20_000
"""Whoever sends has so long; then somebody else may."""

WAITS = "waits"
ELSEWHERE = "elsewhere"

log = structlog.get_logger("letters")


async def attend(notices: Notices, letter: Due, now_ms: int) -> str:
    """Do what is to be done about one letter that is due, and say what became of it:

    sent; refused (WeChat says that the user allows none); here (the user has the app open), read, late, unwanted, nobody; rejected (WeChat
    does not take it as it is); failed (to be tried again), waits (to be looked at again), elsewhere (another one sends it), forgotten.
    """
    if letter.outcome:
        async with notices.db.read() as cursor:
            await letter_store.drop(cursor, letter)
        return "forgotten"
    template = notices.templates.of.get(letter.kind)
    if template is None or not letter.openid:
        return await _end(notices, letter, "nobody", now_ms)
    if now_ms >= letter.until_ms:
        return await _end(notices, letter, "late", now_ms)
    if not letter.spent:
        if not letter.unread:
            return await _end(notices, letter, "read", now_ms)
        if await notices.presence.is_here(letter.user_id):
            return await _leave_alone(notices, letter, now_ms)
    taken = await _take(notices, letter, now_ms)
    return await _send(notices, letter, template, now_ms) if taken == "taken" else taken


async def _leave_alone(notices: Notices, letter: Due, now_ms: int) -> str:
    if letter.looks >= len(WAITS_MS):
        return await _end(notices, letter, "here", now_ms)
    async with notices.db.read() as cursor:
        due_ms = now_ms + WAITS_MS[letter.looks]
        await letter_store.later(cursor, letter, letter.due_ms, due_ms, letter.looks + 1)
    return WAITS


async def _take(notices: Notices, letter: Due, now_ms: int) -> str:
    """Locks the permit, then the letter."""

    async def body(tx: Tx) -> str:
        permit = (await letter_store.lock_permits(tx, letter.user_id, [letter.kind]))[letter.kind]
        if not letter.spent and not permit.good:
            return "unwanted" if await letter_store.end(tx, letter, "unwanted") else ELSEWHERE
        if not await letter_store.take(tx, letter, now_ms + TAKEN_MS):
            return ELSEWHERE
        if not letter.spent:
            letter_store.put_permit(tx, letter.user_id, letters.spent(permit))
        return "taken"

    return await notices.db.act(now_ms, body, str)


async def _send(notices: Notices, letter: Due, template: Template, now_ms: int) -> str:
    try:
        data = letters.data(template.fields, letter.values)
        await notices.post.send(letter.openid, template.id, letter.page, data)
    except Forbidden:
        return await _end(notices, letter, "refused", now_ms)
    except (BadInput, NotFound) as refusal:
        log.error(
            "a letter is not taken", kind=letter.kind, letter_id=str(int(letter.id)), **refusal.data
        )
        return await _end(notices, letter, "rejected", now_ms)
    except Unavailable as failure:
        log.warning("a letter is not sent", letter_id=str(int(letter.id)), reason=failure.message)
        pause_ms = letters.pause_ms(letter.attempts)
        async with notices.db.read() as cursor:
            await letter_store.later(
                cursor, letter, now_ms + TAKEN_MS, now_ms + pause_ms, letter.looks
            )
        return "failed"
    failpoints.reach("after_letter")
    return await _end(notices, letter, "sent", now_ms)


async def _end(notices: Notices, letter: Due, outcome: str, now_ms: int) -> str:
    """Locks the permit, then the letter. What was spent on a letter that never went comes back; who is refused has no more."""

    async def body(tx: Tx) -> str:
        permit = (await letter_store.lock_permits(tx, letter.user_id, [letter.kind]))[letter.kind]
        if not await letter_store.end(tx, letter, outcome):
            return ELSEWHERE
        if outcome == "refused":
            letter_store.put_permit(tx, letter.user_id, letters.none_left(permit))
        elif outcome != "sent" and (letter.spent or outcome == "rejected"):
            letter_store.put_permit(tx, letter.user_id, letters.given_back(permit))
        return outcome

    return await notices.db.act(now_ms, body, str)


async def remind(notices: Notices, order_id: Id, now_ms: int) -> bool:
    """Tell both parties of an order what is ahead, once. Locks the reminder, then the inboxes."""

    async def body(tx: Tx) -> bool:
        reminder = await letter_store.lock_reminder(tx, order_id)
        if reminder is None or reminder.due_ms > now_ms:
            return False
        letter_store.put_reminders(tx, [order_id], [])
        told = telling.reminders(reminder)
        await actions.tell(notices, tx, [(draft, now_ms) for draft in told])
        return True

    return await notices.db.act(now_ms, body, bool)
