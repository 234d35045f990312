"""Notifications: sealed, signed, and sent again on WeChat's schedule until somebody answers 200 or
204 within 5 s.

Source: pay.weixin.qq.com, API v3: 支付成功回调通知. The waits are multiplied by the time factor;
the 5 s are not.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.server.crypto import platform_headers, seal
from sandbox.server.errands import Errands
from sandbox.server.faults import Faults
from sandbox.server.keys import Identity
from sandbox.server.store import Notice, Refund, Store, Trade
from sandbox.server.wire import IDENTITY, now_ms, rfc3339

MINUTE, HOUR = 60, 3600
WAITS_S = (
    *(0, 15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE),
    *(HOUR, 3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR),
)
ANSWER_WITHIN_S = 5.0
PROBE = "WECHATPAY/SIGNTEST/"
STALE_S = 600
REMEMBERED = 1000

SUMMARIES = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}
UNDER_WAY, HEARD, GIVEN_UP = 0, 1, 2
Wire = tuple[dict[str, str], bytes]


class Notifier:
    def __init__(
        self, identity: Identity, store: Store, faults: Faults, errands: Errands, factor: float
    ) -> None:
        self._identity = identity
        self._store = store
        self._faults = faults
        self._errands = errands
        self._factor = factor
        self._posted = asyncio.Event()
        self._sent: OrderedDict[str, Wire] = OrderedDict()
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S))

    async def close(self) -> None:
        await self._http.close()

    def announce(
        self, event_type: str, *, subject: str, url: str, resource: dict[str, Any]
    ) -> None:
        """Begins to tell `url`, and keeps on over restarts."""
        notice = new_notice(event_type, subject=subject, url=url, resource=resource)
        self._store.save(notice)
        self._errands.run(self._deliver(notice))

    def resume(self) -> None:
        for notice in self._store.notices_under_way():
            self._errands.run(self._deliver(notice))

    def compose(
        self,
        notice: Notice,
        *,
        wrong_signature: bool = False,
        stale: bool = False,
        amount_changed: bool = False,
        probe: bool = False,
    ) -> Wire:
        """Headers and body. Each flag makes one thing wrong and leaves the rest right."""
        resource = json.loads(notice.resource)
        if amount_changed:
            resource["amount"]["total"] += 1
        kind = "refund" if notice.event_type.startswith("REFUND") else "transaction"
        plain = json.dumps(resource, ensure_ascii=False).encode()
        nonce, ciphertext = seal(self._identity.account.apiv3_key, plain, kind)
        envelope = {
            "id": notice.id,
            "create_time": rfc3339(notice.made_at_ms),
            "event_type": notice.event_type,
            "resource_type": "encrypt-resource",
            "summary": SUMMARIES[notice.event_type],
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "original_type": kind,
                "associated_data": kind,
                "nonce": nonce,
                "ciphertext": ciphertext,
            },
        }
        body = json.dumps(envelope, ensure_ascii=False).encode()
        key_id = self._identity.ring.newest_id
        key = self._identity.ring.key(key_id)
        assert key is not None
        headers = platform_headers(
            key,
            key_id,
            body + b" " if wrong_signature else body,
            now_ms() // 1000 - (STALE_S if stale else 0),
        )
        if probe:
            headers["Wechatpay-Signature"] = f"{PROBE}{headers['Wechatpay-Signature']}"
        return {**headers, "Content-Type": "application/json"}, body

    async def post(self, notice: Notice, wire: Wire) -> int | None:
        """The receiver's status, or None when it gave no answer in time."""
        headers, body = wire
        self._sent[notice.subject] = wire
        self._sent.move_to_end(notice.subject)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        try:
            async with self._http.post(
                notice.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        finally:
            self._posted.set()
            self._posted = asyncio.Event()

    def last_sent(self, subject: str) -> Wire | None:
        return self._sent.get(subject)

    async def post_later(self, notice: Notice) -> None:
        await asyncio.sleep(3 * WAITS_S[1] * self._factor)
        await self.post(notice, self.compose(notice))

    async def _deliver(self, notice: Notice) -> None:
        fault = self._faults.for_notification()
        if fault == "notify_delay":
            await asyncio.sleep(WAITS_S[1] * self._factor)
        if fault == "notify_reorder":
            await self._overtaken()
        while notice.attempts < len(WAITS_S):
            await asyncio.sleep(WAITS_S[notice.attempts] * self._factor)
            first = notice.attempts == 0
            notice = replace(notice, attempts=notice.attempts + 1)
            self._store.save(notice)
            if first and fault == "notify_drop":
                continue
            wire = self.compose(
                notice,
                wrong_signature=first and fault == "notify_wrong_signature",
                amount_changed=first and fault == "notify_amount_changed",
            )
            times = 2 if first and fault == "notify_duplicate" else 1
            statuses = await asyncio.gather(*(self.post(notice, wire) for _ in range(times)))
            if any(status in (200, 204) for status in statuses):
                self._store.save(replace(notice, done=HEARD))
                return
        self._store.save(replace(notice, done=GIVEN_UP))

    async def _overtaken(self) -> None:
        """Returns once another one was sent, or when none comes for the longest of short waits."""
        try:
            await asyncio.wait_for(self._posted.wait(), WAITS_S[4] * self._factor)
        except TimeoutError:
            return


NOTIFIER = web.AppKey("notifier", Notifier)


def new_notice(event_type: str, *, subject: str, url: str, resource: dict[str, Any]) -> Notice:
    return Notice(
        id=f"EV-{secrets.token_hex(14)}",
        event_type=event_type,
        subject=subject,
        url=url,
        resource=json.dumps(resource, ensure_ascii=False),
        made_at_ms=now_ms(),
        attempts=0,
        done=UNDER_WAY,
    )


def refund_resource(app: web.Application, refund: Refund, trade: Trade) -> dict[str, Any]:
    """What REFUND.SUCCESS seals: other names than the query's answer has."""
    resource = {
        "sp_mchid": app[IDENTITY].account.mchid,
        "sub_mchid": trade.sub_mchid,
        "out_trade_no": refund.out_trade_no,
        "transaction_id": trade.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.state,
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": refund.total_fen,
            "refund": refund.refund_fen,
            "payer_total": refund.total_fen,
            "payer_refund": refund.refund_fen,
        },
    }
    if refund.done_at_ms is not None:
        resource["success_time"] = rfc3339(refund.done_at_ms)
    return resource
