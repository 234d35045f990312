"""The gateway of WeChat Pay v3: one signed request, one proved answer, tried again while that
helps.

What comes back is either an answer that its reader understands, or one of three refusals:

    2xx, signature good                         the answer, parsed
    2xx, signature missing or bad; not readable tried again, then PaymentProviderError
    401                                         PaymentProviderError at once: our own keys are wrong
    404 ORDER_NOT_EXIST, RESOURCE_NOT_EXISTS    NotFound
    other 4xx                                   Conflict, `data["code"]` is WeChat's
    429, 3xx, 5xx, network, timeout             tried again, then PaymentProviderError

Source: pay.weixin.qq.com, API v3: 接口规则 (rules), 如何使用微信支付公钥验签 (signatures).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import mimetypes
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from yarl import URL

from infra.config import ConfigError, WechatPayConfig
from infra.wechat.calls import TryAgain, persistently
from infra.wechat.fields import Malformed
from infra.wechat.notification import Addressee, verify_signed
from infra.wechat.platform_keys import PlatformKeys
from infra.wechat.signing import Unverified, authorization, load_merchant_key, load_platform_key
from market.kernel.errors import Conflict, MarketError, NotFound, PaymentProviderError

_UNKNOWN = ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS")
_TOO_FREQUENT = 429
JSON = "application/json"

CONNECT_S = 2.0
# Of each attempt; there are four at most, see calls.py.
CALL = aiohttp.ClientTimeout(total=5.0, sock_connect=CONNECT_S)
DOWNLOAD = aiohttp.ClientTimeout(total=60.0, sock_connect=CONNECT_S)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Ours to sign with, and WeChat's to believe."""

    merchant: RSAPrivateKey
    addressee: Addressee


def read_keys(config: WechatPayConfig) -> tuple[Keys, PlatformKeys]:
    """Reads the key files (blocking); ConfigError when one is missing or malformed. The platform's
    are among the keys, and returned to be followed.
    """
    apiv3_key = config.apiv3_key.encode()
    if len(apiv3_key) != 32:
        raise ConfigError("SHAREHUB_WECHATPAY_APIV3_KEY must have 32 bytes")
    named = load_platform_key(config.platform_key_file, config.platform_key_id)
    platform_keys = PlatformKeys({config.platform_key_id: named}, config.platform_keys_dir)
    addressee = Addressee(
        appid=config.appid, mchid=config.mchid, apiv3_key=apiv3_key, platform_keys=platform_keys
    )
    merchant = load_merchant_key(config.merchant_key_file)
    return Keys(merchant=merchant, addressee=addressee), platform_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The merchant's way to `config.url`, over `session`."""

    config: WechatPayConfig
    keys: Keys
    session: aiohttp.ClientSession
    clock_ms: Callable[[], int]
    chance: random.Random

    async def download(self, api: str, path: str, read: Callable[[bytes], T]) -> T:
        """What `read` makes of a file. Files come without a signature: `read` has to prove them, and
        raises Malformed otherwise.
        """

        async def attempt() -> T:
            status, headers, raw = await self._send("GET", path, b"", timeout=DOWNLOAD)
            if status != 200:
                raise self._judged(status, headers, raw)
            try:
                return await asyncio.to_thread(read, raw)
            except Malformed as problem:
                raise TryAgain(f"malformed file: {problem}") from None

        return await self._persistently(api, attempt)

    async def upload(
        self, api: str, path: str, filename: str, content: bytes, read: Callable[[Any], T]
    ) -> T:
        """What `read` makes of the answer to a file. Its description is signed, and holds its digest.

        `filename` is of letters, digits, points and dashes.
        """
        digest = hashlib.sha256(content).hexdigest()
        meta = json.dumps({"filename": filename, "sha256": digest}).encode()
        boundary = secrets.token_hex(16)
        body = _two_parts(boundary, meta, filename, content)
        kind = f"multipart/form-data; boundary={boundary}"

        async def attempt() -> T:
            answer = await self._exchange("POST", path, body, signed=meta, content_type=kind)
            try:
                return read(answer)
            except Malformed as problem:
                raise TryAgain(f"malformed answer: {problem}") from None

        return await self._persistently(api, attempt)

    async def call(
        self,
        api: str,
        method: str,
        path: str,
        content: Mapping[str, Any] | None,
        read: Callable[[Any], T],
    ) -> T:
        """What `read` makes of the answer; it raises Malformed when the answer is not what it
        should be. `path` is quoted already, with its query. `api` names the call in the metrics.
        """
        # A title may hold half a surrogate pair: it becomes "?", and does not break the payment.
        text = "" if content is None else json.dumps(content, ensure_ascii=False)
        body = text.encode(errors="replace")

        async def attempt() -> T:
            answer = await self._exchange(method, path, body)
            try:
                return read(answer)
            except Malformed as problem:
                raise TryAgain(f"malformed answer: {problem}") from None

        return await self._persistently(api, attempt)

    async def _persistently(self, api: str, attempt: Callable[[], Awaitable[T]]) -> T:
        try:
            return await persistently(api, attempt, self.chance)
        except TryAgain as problem:
            raise PaymentProviderError(api=api, reason=str(problem)) from None

    async def _exchange(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        signed: bytes | None = None,
        content_type: str = JSON,
    ) -> Any:
        """One signed request and its proved answer, parsed (None for an empty one). `signed` is what
        of the body is signed, if not all of it.
        """
        status, headers, raw = await self._send(
            method, path, body, signed=signed, content_type=content_type
        )
        if status >= 300:
            raise self._judged(status, headers, raw)
        self._prove(headers, raw)
        return _parsed(raw)

    def _judged(
        self, status: int, headers: Mapping[str, str], raw: bytes
    ) -> MarketError | TryAgain:
        """What a refusal means. Answers to a request whose signature was accepted are signed; one
        without a signature (a gateway's 401 or 403) is still heard, as the official SDKs do.
        """
        if "Wechatpay-Signature" in headers:
            self._prove(headers, raw)
        return _refusal(status, _parsed(raw))

    def _prove(self, headers: Mapping[str, str], raw: bytes) -> None:
        try:
            verify_signed(self.keys.addressee.platform_keys, headers, raw, self.clock_ms())
        except Unverified as problem:
            raise TryAgain(f"answer not verified: {problem}") from None

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        signed: bytes | None = None,
        content_type: str = JSON,
        timeout: aiohttp.ClientTimeout = CALL,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One signed request: status, headers and body of whatever comes back."""
        url = URL(self.config.url.rstrip("/") + path, encoded=True)
        headers = {
            "Authorization": authorization(
                self.keys.merchant,
                method=method,
                target=url.raw_path_qs,
                body=body if signed is None else signed,
                mchid=self.config.mchid,
                serial=self.config.merchant_serial,
                timestamp_s=self.clock_ms() // 1000,
                nonce=secrets.token_hex(16),
            ),
            "Accept": JSON,
            "Content-Type": content_type,
            "User-Agent": "ShareHub",
            "Wechatpay-Serial": self.config.platform_key_id,
        }
        async with self.session.request(
            method,
            url,
            data=body or None,
            headers=headers,
            allow_redirects=False,
            timeout=timeout,
        ) as response:
            return response.status, response.headers, await response.read()


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def open_gateway(
    config: WechatPayConfig, clock_ms: Callable[[], int], chance: random.Random
) -> AsyncIterator[Gateway]:
    """Reads the keys (ConfigError), follows what is new among them, and keeps the connections."""
    keys, platform_keys = await asyncio.to_thread(read_keys, config)
    following = asyncio.create_task(platform_keys.follow(), name="platform keys")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            yield Gateway(
                config=config, keys=keys, session=session, clock_ms=clock_ms, chance=chance
            )
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _two_parts(boundary: str, meta: bytes, filename: str, content: bytes) -> bytes:
    """multipart/form-data as 图片上传 has it: the description, then the file."""
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return b"".join(
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="meta";\r\n'.encode(),
            b"Content-Type: application/json\r\n\r\n" + meta,
            f"\r\n--{boundary}\r\nContent-Disposition: form-data; ".encode(),
            f'name="file"; filename="{filename}";\r\n'.encode(),
            f"Content-Type: {kind}\r\n\r\n".encode() + content,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )


def _refusal(status: int, answer: Any) -> MarketError | TryAgain:
    said = answer if isinstance(answer, dict) else {}
    code = said.get("code") if isinstance(said.get("code"), str) else f"HTTP_{status}"
    message = str(said.get("message", ""))[:200]
    if status == 401:
        # Trying at once again is useless; trying once an operator has mended the keys is not.
        return PaymentProviderError("WeChat Pay refuses our signature", code=code)
    if status == 404 and code in _UNKNOWN:
        return NotFound(message, code=code)
    if 400 <= status < 500 and status != _TOO_FREQUENT:
        return Conflict(message, code=code)
    return TryAgain(f"{status} {code}")


def _parsed(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None  # a gateway's HTML page: the status decides, and a success fails to be read
