"""What was said stays as it was said, until the key is erased."""

from __future__ import annotations

from typing import Any

import aiomysql
import pymysql.err
import pytest

from infra.config import Config
from infra.process import Process
from infra.sealing import Unsealable, Vault
from market.chat import actions, store
from market.chat.rules import chain
from market.kernel.errors import (
    Conflict,
    Forbidden,
)
from tests.integration.chat.talks import Talk
from tests.integration.conftest import someone


async def test_messages_can_be_neither_changed_nor_deleted(
    talk: Talk, admin: aiomysql.Connection
) -> None:
    await talk.say(talk.buyer, "evidence")
    for statement in (
        "UPDATE messages SET kind = 'x' WHERE conversation_id = %s",
        "DELETE FROM messages WHERE conversation_id = %s",
    ):
        async with talk.chat.db.read() as cursor:
            with pytest.raises(pymysql.err.OperationalError) as denied:
                await cursor.execute(statement, talk.id)
        assert denied.value.args[0] == 1142  # the wing's user lacks the right
        async with admin.cursor() as cursor:
            with pytest.raises(pymysql.err.OperationalError) as refused:
                await cursor.execute(statement, (talk.id,))
        assert refused.value.args[0] == 1644  # whoever has the right meets the trigger
    assert (await talk.log(talk.buyer)).messages[0].text == "evidence"


async def test_verify_finds_what_was_tampered_with(talk: Talk, tamper: Any) -> None:
    for n in range(4):
        await talk.say(talk.buyer, f"{n}")
    assert (await talk.verdict(talk.owner)).ok
    await tamper(
        "UPDATE messages SET at_ms = at_ms + 1 WHERE conversation_id = %s AND seq = 3", talk.id
    )
    for who in (talk.buyer, talk.owner, someone("operator")):
        verdict = await talk.verdict(who)
        assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, 3, "altered")
    await tamper("DELETE FROM messages WHERE conversation_id = %s AND seq = 4", talk.id)
    await tamper(
        "UPDATE messages SET at_ms = at_ms - 1 WHERE conversation_id = %s AND seq = 3", talk.id
    )
    verdict = await talk.verdict()
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, 4, "missing")


async def test_a_chain_rewritten_without_the_key_is_found_out(talk: Talk, tamper: Any) -> None:

    await talk.say(talk.buyer, "true")
    forged = chain.append(
        talk.id, chain.Head(seq=0, hash=chain.START), talk.buyer.user_id, "text", 5, b"f" * 60
    )
    await tamper(
        "UPDATE messages SET at_ms = 5, ciphertext = %s, hash = %s WHERE conversation_id = %s",
        forged.ciphertext, forged.hash, talk.id,
    )  # fmt: skip
    await tamper("UPDATE conversations SET last_hash = %s WHERE id = %s", forged.hash, talk.id)
    verdict = await talk.verdict()
    assert (verdict.ok, verdict.broken_at, verdict.reason) == (False, 1, "forged")


async def test_erasing_the_key_forgets_the_words_and_keeps_the_chain(talk: Talk) -> None:
    await talk.say(talk.buyer, "secret")
    await talk.read(talk.owner, 1)
    before = await talk.verdict()
    body = {"conversation_id": str(talk.id), "reason": "the buyer asks to be forgotten"}
    with pytest.raises(Forbidden):
        await talk.ask(actions.erase, talk.buyer, body)
    await talk.ask(actions.erase, someone("operator"), body)
    after = await talk.verdict()
    assert (after.ok, after.head, after.erased) == (True, before.head, True)
    log = (await talk.log(talk.owner)).messages
    assert [(m.seq, m.erased, m.text, m.up_to) for m in log] == [(1, True, "", 0), (2, True, "", 0)]
    with pytest.raises(Conflict):
        await talk.say(talk.buyer, "more")
    async with talk.chat.db.read() as cursor:
        rows = await cursor.all("SELECT * FROM messages WHERE conversation_id = %s", talk.id)
        replies = await cursor.all(
            "SELECT reply FROM idempotency WHERE actor_id = %s", talk.buyer.user_id
        )
    assert b"secret" not in b"".join(
        v for row in [*rows, *replies] for v in row if isinstance(v, bytes)
    )


async def test_nothing_is_stored_in_clear_and_the_key_only_wrapped(
    talk: Talk, process: Process
) -> None:
    await talk.say(talk.buyer, "secret")
    async with talk.chat.db.read() as cursor:
        row = await cursor.one(
            "SELECT ciphertext FROM messages WHERE conversation_id = %s", talk.id
        )
        keys = await store.read_keys(cursor, [talk.id])
    assert row
    assert b"secret" not in bytes(row[0])
    other = Config({**process.config.environment, "SHAREHUB_CHAT_KEY": "A" * 43 + "="})

    with pytest.raises(Unsealable):
        Vault(other.key("CHAT_KEY")).unwrap(keys[talk.id], chain.bound(talk.id, 0))
