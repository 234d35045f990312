"""What WeChat Pay posts to notify_url, believed only once its signature, age, seal and addressee
are proved.

    POST notify_url
    Wechatpay-Serial: PUB_KEY_ID_...       Wechatpay-Timestamp: 1782288000
    Wechatpay-Nonce: 5K8264ILTKCH16CQ      Wechatpay-Signature: base64
    {"id": "EV-...", "event_type": "TRANSACTION.SUCCESS", "resource_type": "encrypt-resource",
     "resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": "...",
                  "associated_data": "transaction", "ciphertext": "..."}}

Source: pay.weixin.qq.com, API v3: 回调通知处理. The signature covers the raw bytes; parsing
comes after it. A genuine notification that is sent again inside 300 s passes here: `id` and `nonce`
are for the caller to remember durably.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from infra.wechat.fields import Malformed
from infra.wechat.signing import SCHEME, Unverified, unseal, verify
from infra.wechat.trades import (
    Refund,
    Trade,
    notified_refund_from,
    trade_from,
)
from market.kernel.errors import BadSignature

FRESH_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """`trade` for TRANSACTION.*, `refund` for REFUND.*, neither for events we do not know."""

    id: str
    event_type: str
    nonce: str
    trade: Trade | None
    refund: Refund | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Whose notifications these must be, and the keys to open them with."""

    appid: str
    mchid: str
    apiv3_key: bytes
    platform_keys: Mapping[str, RSAPublicKey]


def opened(to: Addressee, headers: Mapping[str, str], raw_body: bytes, now_ms: int) -> Notification:
    """The notification, or BadSignature: whatever is wrong with it, and nothing else, ever."""
    try:
        return _opened(to, headers, raw_body, now_ms)
    except (Unverified, Malformed) as problem:
        raise BadSignature(f"notification refused: {problem}") from None
    except Exception as problem:
        # Anybody may post here. Whatever strange bytes can provoke is their fault, and never our
        # 500.
        raise BadSignature(f"notification refused: {type(problem).__name__}") from None


def verify_signed(
    keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], raw_body: bytes, now_ms: int
) -> str:
    """Proves an answer or a notification, and returns its nonce; raises Unverified.

    `headers` may be spelt in any case. The key is chosen by Wechatpay-Serial.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise Unverified("unknown signature type")
    key = keys.get(lower.get("wechatpay-serial", ""))
    if key is None:
        raise Unverified("unknown Wechatpay-Serial")
    timestamp, nonce = lower.get("wechatpay-timestamp", ""), lower.get("wechatpay-nonce", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unverified("the timestamp is not a number")
    if abs(int(timestamp) * 1000 - now_ms) > FRESH_S * 1000:
        raise Unverified("the timestamp is more than 300 s away")
    if not nonce:
        raise Unverified("there is no nonce")
    verify(key, lower.get("wechatpay-signature", ""), timestamp.encode(), nonce.encode(), raw_body)
    return nonce


def _opened(
    to: Addressee, headers: Mapping[str, str], raw_body: bytes, now_ms: int
) -> Notification:
    nonce = verify_signed(to.platform_keys, headers, raw_body, now_ms)
    envelope = json.loads(raw_body)
    event_type, resource = envelope["event_type"], envelope["resource"]
    if not (isinstance(envelope["id"], str) and isinstance(event_type, str) and envelope["id"]):
        raise Malformed("id and event_type must be text")
    if resource["algorithm"] != "AEAD_AES_256_GCM":
        raise Malformed("unknown algorithm")
    content = json.loads(
        unseal(
            to.apiv3_key,
            nonce=resource["nonce"].encode(),
            associated_data=(resource.get("associated_data") or "").encode(),
            ciphertext=resource["ciphertext"],
        )
    )
    trade = refund = None
    if event_type.startswith("TRANSACTION."):
        trade = trade_from(content, appid=to.appid, mchid=to.mchid)
    elif event_type.startswith("REFUND."):
        refund = notified_refund_from(content, mchid=to.mchid)
    return Notification(
        id=envelope["id"], event_type=event_type, nonce=nonce, trade=trade, refund=refund
    )
