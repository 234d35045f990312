"""Whether content may be shown: texts at once, images later by an event, both as documented.

text with 违禁 or "risky" / 可疑 or "review"      suggest risky / review
openid starting with "unseen-"                  61010, the user has not been here within two hours
an image                                        passes, unless a fault asks otherwise (faults.py);
                                                one that cannot be fetched has errcode -1008

The image is really fetched. The event goes to `--push-url`, encrypted, and again while it is not
answered with "success".
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import secrets
import struct

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sandbox.server.errands import ERRANDS
from sandbox.server.keys import Account
from sandbox.server.login import INVALID_CREDENTIAL, mini_answer, mini_error
from sandbox.server.messages import token_is_good
from sandbox.server.wire import FAULTS, IDENTITY, json_object, now_ms

LONGEST_CONTENT = 2500
LARGEST_IMAGE_BYTES = 10 << 20
NO_USER = (61010, "user access record not found")
UNREADABLE = -1008
PUSH_ATTEMPTS = 4
PUSH_PAUSE_S = 0.3
ORIGINAL_ID = "gh_sandbox"

PUSH_URL = web.AppKey("push_url", str)

log = logging.getLogger(__name__)


async def check_text(request: web.Request) -> web.Response:
    if not token_is_good(request):
        return mini_error(INVALID_CREDENTIAL)
    asked = await json_object(request)
    content = asked.get("content")
    if not isinstance(content, str) or not 0 < len(content) <= LONGEST_CONTENT:
        return mini_error((47001, "data format error"))
    if asked.get("version") != 2 or asked.get("scene") not in (1, 2, 3, 4):
        return mini_error((40129, "invalid scene or version"))
    refusal = _user_error(asked.get("openid"))
    if refusal is not None:
        return refusal
    suggest, label = "pass", 100
    if "违禁" in content or "risky" in content:
        suggest, label = "risky", 20001
    elif "可疑" in content or "review" in content:
        suggest, label = "review", 10001
    return mini_answer(
        {
            "errcode": 0,
            "errmsg": "ok",
            "trace_id": secrets.token_hex(16),
            "result": {"suggest": suggest, "label": label},
            "detail": [],
        }
    )


async def check_image(request: web.Request) -> web.Response:
    if not token_is_good(request):
        return mini_error(INVALID_CREDENTIAL)
    asked = await json_object(request)
    url = asked.get("media_url")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return mini_error((47001, "data format error"))
    if (
        asked.get("version") != 2
        or asked.get("scene") not in (1, 2, 3, 4)
        or asked.get("media_type") != 2
    ):
        return mini_error((40129, "invalid scene, version or media type"))
    refusal = _user_error(asked.get("openid"))
    if refusal is not None:
        return refusal
    trace_id = secrets.token_hex(16)
    request.app[ERRANDS].run(_tell(request.app, url, trace_id))
    return mini_answer({"errcode": 0, "errmsg": "ok", "trace_id": trace_id})


def _user_error(openid: object) -> web.Response | None:
    if not isinstance(openid, str) or not openid:
        return mini_error((40003, "invalid openid"))
    return mini_error(NO_USER) if openid.startswith("unseen-") else None


async def _tell(app: web.Application, url: str, trace_id: str) -> None:
    demand = app[FAULTS].for_image()
    if demand == "image_silent" or not app[PUSH_URL]:
        return
    async with aiohttp.ClientSession() as session:
        readable = await _fetch(session, url)
        suggest, label = {"image_risky": ("risky", 20002), "image_review": ("review", 20012)}.get(
            demand or "", ("pass", 100)
        )
        event = {
            "ToUserName": ORIGINAL_ID, "FromUserName": "sandbox", "CreateTime": now_ms() // 1000,
            "MsgType": "event", "Event": "wxa_media_check", "appid": app[IDENTITY].account.appid,
            "trace_id": trace_id, "version": 2, "detail": [], "errcode": 0 if readable else UNREADABLE,
            "errmsg": "ok" if readable else "download failed",
            "result": {"suggest": suggest, "label": label} if readable else {},
        }  # fmt: skip
        await _push(session, app[PUSH_URL], app[IDENTITY].account, event)


async def _fetch(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            image = await answer.read()
    except (aiohttp.ClientError, OSError):
        return False
    return answer.status == 200 and len(image) <= LARGEST_IMAGE_BYTES


async def _push(
    session: aiohttp.ClientSession, url: str, account: Account, event: dict[str, object]
) -> None:
    sealed = seal_event(account, json.dumps(event, ensure_ascii=False).encode())
    for attempt in range(PUSH_ATTEMPTS):
        await asyncio.sleep(PUSH_PAUSE_S * attempt)
        try:
            body = {"ToUserName": ORIGINAL_ID, "Encrypt": sealed}
            query = signed_query(account, sealed)
            async with session.post(url, params=query, json=body) as answer:
                if answer.status == 200 and await answer.text() == "success":
                    return
        except (aiohttp.ClientError, OSError):
            pass
    log.warning("an event was not taken: %s", event["trace_id"])


def seal_event(account: Account, message: bytes) -> str:
    """AES-256-CBC as documented for the encrypted mode, in base64."""
    key = base64.b64decode(f"{account.push_key}=")
    plain = (
        secrets.token_bytes(16) + struct.pack(">I", len(message)) + message + account.appid.encode()
    )
    pad = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(
        encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
    ).decode()


def signed_query(account: Account, sealed: str) -> dict[str, str]:
    timestamp, nonce = str(now_ms() // 1000), secrets.token_hex(5)
    text = "".join(sorted((account.push_token, timestamp, nonce, sealed)))
    signature = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return {
        "timestamp": timestamp,
        "nonce": nonce,
        "msg_signature": signature,
        "encrypt_type": "aes",
    }
