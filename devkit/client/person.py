"""Somebody with a phone."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from devkit.client.refusal import PATIENCE_S, Refusal
from devkit.client.socket import MSGPACK, Socket

PUBLISH = "/v1/listings"
APPLICATION = {
    "legal_name": "张三",
    "id_number": "11010519491231002X",
    "id_valid_from": "2020-01-01",
    "id_valid_until": "长期",
    "id_front_media": "front",
    "id_back_media": "back",
    "mobile": "13800000000",
    "bank": "工商银行",
    "bank_area_code": "310000",
    "bank_account": "6222020000000000000",
    "shop_name": "张三的小店",
}
"""What an owner applies with at WeChat, to be paid."""


class Person:
    """Somebody with a phone. `openid` decides who it is; the same openid is the same user."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        *,
        api: str | Callable[[str], str],
        hubs: Iterable[str],
        sandbox: str,
        openid: str,
    ) -> None:
        self._http = http
        self._api = api if callable(api) else lambda _path: api
        self._hubs = [f"{hub.replace('http', 'ws', 1)}/ws" for hub in hubs]
        self._sandbox = sandbox
        self.openid = openid
        self.tokens: dict[str, Any] = {}
        self.onboards = True
        """When it first publishes; otherwise it is left to the test."""

    @property
    def id(self) -> str:
        return str(self.tokens["user"]["user_id"])

    @property
    def token(self) -> str:
        return str(self.tokens["access_token"])

    async def log_in(self) -> Person:
        """A login code is good once: when its answer got lost, the phone asks for another."""
        for attempt in range(10):
            async with self._http.post(
                f"{self._sandbox}/sandbox/login-code", json={"openid": self.openid}
            ) as answer:
                code = (await answer.json())["code"]
            try:
                self.tokens = await self.rest("POST", "/v1/login", {"code": code}, token=None)
                break
            except Refusal as refusal:
                if refusal.code != "bad_login_code" or attempt == 9:
                    raise
        return self

    async def onboard(self) -> None:
        """Let WeChat know who this is, so that buyers can pay."""
        self.onboards = False
        await self.rest("POST", "/v1/payments/onboard", APPLICATION)

    async def rest(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        token: str | None = "mine",
        retry: bool = True,
        query: dict[str, Any] | None = None,
    ) -> Any:
        """The answer's JSON. Lost answers and retryable refusals are repeated under the same key; raise Refusal.

        Who publishes for the first time is onboarded first.
        """
        if (method, path) == ("POST", PUBLISH) and token == "mine" and self.onboards:
            await self.onboard()
        headers = {"Idempotency-Key": key or secrets.token_hex(8)}
        if token is not None:
            headers["Authorization"] = f"Bearer {self.token if token == 'mine' else token}"
        deadline, pause = time.monotonic() + PATIENCE_S, 0.03
        while True:
            try:
                async with self._http.request(
                    method, self._api(path) + path, json=body, headers=headers, params=query
                ) as answer:
                    status, content = answer.status, await answer.json()
                if status < 400:
                    return content
                refusal = Refusal(content["error"], status)
                if not (retry and refusal.retryable) or time.monotonic() > deadline:
                    raise refusal
            except (aiohttp.ClientError, OSError):
                if not retry or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(random.uniform(pause / 2, pause))
            pause = min(1.0, pause * 2)

    async def publish(self, body: dict[str, Any], *, key: str | None = None) -> Any:
        """Offer something: the listing, once it has been looked at and everybody can see it. Raise Refusal."""
        made = await self.rest("POST", PUBLISH, body, key=key)
        topic = f"listing:{made['listing_id']}"
        socket = await self.connect()
        try:
            await socket.watch(topic)
            await socket.until(topic, lambda known: known.state["status"] in ("live", "rejected"))
        finally:
            await socket.close()
        return await self.rest("GET", f"{PUBLISH}/{made['listing_id']}")

    async def connect(self, encoding: str = MSGPACK, hub: int = 0) -> Socket:
        """A live socket, first to hub number `hub`."""
        urls = self._hubs[hub:] + self._hubs[:hub]
        return await Socket(self._http, urls, lambda: self.token, encoding).open()

    async def allow_messages(self) -> None:
        """Say yes on the phone, once, to every kind of subscribe message that none is allowed of."""
        shown = await self.rest("GET", "/v1/notices/subscriptions")
        for one in shown["subscriptions"]:
            if one["remaining"]:
                continue
            said = {"openid": self.openid, "answers": {one["template_id"]: "accept"}}
            async with self._http.post(
                f"{self._sandbox}/sandbox/subscriptions", json=said
            ) as answer:
                if answer.status >= 400:
                    raise Refusal(
                        {"code": "sandbox", "message": await answer.text()}, answer.status
                    )
            answers = [{"kind": one["kind"], "answer": "accept"}]
            await self.rest("POST", "/v1/notices/subscriptions", {"answers": answers})

    async def pay(self, prepay_id: str, **options: Any) -> None:
        """Confirm the payment sheet on the phone."""
        async with self._http.post(
            f"{self._sandbox}/sandbox/pay", json={"prepay_id": prepay_id, **options}
        ) as answer:
            if answer.status >= 400:
                raise Refusal({"code": "sandbox", "message": await answer.text()}, answer.status)
