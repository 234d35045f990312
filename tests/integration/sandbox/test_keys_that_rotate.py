"""WeChat moves to another key: what it signs is refused until we have that key, and then believed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from infra.wechat.notification import Notification
from market.kernel.errors import BadSignature
from tests.integration.sandbox.conftest import (
    Mall,
    Phone,
    Received,
    Receiver,
    Sandbox,
    running_sandbox,
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """One for each test: its keys change for good."""
    with running_sandbox(tmp_path) as running:
        yield running


def opened(pay: WechatEcommerce, received: Received) -> Notification:
    return pay.open_notification(received.headers, received.body, wall_clock_ms())


async def until_opened(pay: WechatEcommerce, received: Received) -> Notification:
    """The directory of keys is looked at every second."""
    while True:
        try:
            return opened(pay, received)
        except BadSignature:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", ["public_key", "certificate"])
async def test_keys_rotate_without_a_restart(
    pay: WechatEcommerce,
    mall: Mall,
    phone: Phone,
    receiver: Receiver,
    sandbox: Sandbox,
    kind: str,
) -> None:
    owner = await mall.owner()
    number = await mall.paid_order(owner)
    old = await receiver.next()
    _, answer = await phone.post("/sandbox/platform-keys", kind=kind)
    file = sandbox.run_dir / "platform_keys" / f"{answer['id']}.pem"
    pem = file.read_bytes()

    file.unlink()  # we have not been given it yet
    await phone.post("/sandbox/notify", out_trade_no=number, mode="duplicate")
    new = await receiver.next()
    assert new.headers["Wechatpay-Serial"] == answer["id"]
    with pytest.raises(BadSignature, match="unknown Wechatpay-Serial"):
        opened(pay, new)
    opened(pay, old)
    # Answers are signed by the key that we name, whatever notifications do.
    assert (await pay.query(sub_mchid=owner, out_trade_no=number)).state == "SUCCESS"

    file.write_bytes(pem)
    assert (await until_opened(pay, new)).trade == opened(pay, old).trade

    # And we change to it, sealing to it too.
    config = replace(
        sandbox.pay_config(receiver.url), platform_key_id=answer["id"], platform_key_file=file
    )
    async with WechatEcommerce(config) as changed:
        assert (await Mall(changed, phone).owner()).isdigit()
        opened(changed, new)
        with pytest.raises(BadSignature):  # the old one was not laid beside it
            opened(changed, old)
