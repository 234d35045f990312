"""/v3/ecommerce/applyments: an owner applies, and becomes a sub-merchant.

Source: pay.weixin.qq.com, 平台收付通: 提交申请单, 通过业务申请编号查询申请状态. Sensitive fields are
opened with the platform's private key, so one that was sealed to another key is refused.

The rule `onboarding` decides what becomes of an application; POST /sandbox/onboarding decides about
one that exists. A rejected one may be handed in again under its number.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import replace
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1

from sandbox.server.store import Applyment
from sandbox.server.wire import (
    IDENTITY,
    RULEBOOK,
    STORE,
    PayError,
    json_answer,
    json_object,
    now_ms,
    object_field,
    param_error,
    text_field,
)

ORGANIZATIONS = ("2401", "2500", "4", "2")
LICENSED = ("4", "2")
DECISIONS = {"accept": "FINISH", "hold": "AUDITING", "reject": "REJECTED", "sign": "NEED_SIGN"}
DESCRIPTIONS = {
    "AUDITING": "审核中",
    "NEED_SIGN": "待签约",
    "REJECTED": "已驳回",
    "FINISH": "完成",
}
REJECTION = "身份证姓名与证件不符"
SENSITIVE = (
    ("id_card_info", "id_card_name"),
    ("id_card_info", "id_card_number"),
    ("account_info", "account_name"),
    ("account_info", "account_number"),
    ("contact_info", "contact_name"),
    ("contact_info", "contact_id_card_number"),
    ("contact_info", "mobile_phone"),
)
ID_CARD = re.compile(r"\d{17}[0-9X]\Z")
MOBILE = re.compile(r"1\d{10}\Z")


async def apply(request: web.Request) -> web.Response:
    asked, store = await json_object(request), request.app[STORE]
    out_request_no = text_field(asked, "out_request_no", longest=124)
    plain = _checked(request, asked)
    known = store.applyment(out_request_no)
    if known is None or known.state == "REJECTED":
        fresh = known or Applyment(
            out_request_no=out_request_no,
            applyment_id=2_000_000_000_000_000 + secrets.randbelow(10**15),
            state="AUDITING",
            sub_mchid=None,
            reason="",
            name=plain["id_card_name"],
            made_at_ms=now_ms(),
        )
        fresh = replace(fresh, name=plain["id_card_name"])
        known = decided(fresh, request.app[RULEBOOK].rules.onboarding)
        store.save(known)
    return json_answer({"applyment_id": known.applyment_id, "out_request_no": out_request_no})


async def query(request: web.Request) -> web.Response:
    known = request.app[STORE].applyment(request.match_info["out_request_no"])
    if known is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "申请单不存在")
    shown: dict[str, Any] = {
        "applyment_id": known.applyment_id,
        "out_request_no": known.out_request_no,
        "applyment_state": known.state,
        "applyment_state_desc": DESCRIPTIONS[known.state],
        "sign_state": "SIGNED" if known.state == "FINISH" else "UNSIGNED",
    }
    if known.state in ("NEED_SIGN", "FINISH"):
        host = f"{request.scheme}://{request.host}"
        shown["sign_url"] = f"{host}/sandbox/sign/{known.applyment_id}"
    if known.sub_mchid is not None:
        shown["sub_mchid"] = known.sub_mchid
    if known.state == "REJECTED":
        shown["audit_detail"] = [{"param_name": "id_card_name", "reject_reason": known.reason}]
    return json_answer(shown)


async def decide(request: web.Request) -> web.Response:
    """POST /sandbox/onboarding {"out_request_no": "...", "decision": "accept", "reason"?: "..."}"""
    asked, store = await json_object(request), request.app[STORE]
    known = store.applyment(text_field(asked, "out_request_no", longest=124))
    if known is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "no such application")
    decision = asked.get("decision")
    if decision not in DECISIONS:
        raise param_error(f"decision is one of {', '.join(DECISIONS)}")
    if known.sub_mchid is not None:
        raise PayError(409, "FINISHED", "it is a sub-merchant already")
    known = decided(known, decision, text_field(asked, "reason", longest=200, optional=True))
    store.save(known)
    return json_answer({"state": known.state, "sub_mchid": known.sub_mchid})


def decided(applyment: Applyment, decision: str, reason: str = "") -> Applyment:
    state = DECISIONS[decision]
    number = f"16{secrets.randbelow(10**8):08d}" if state == "FINISH" else None
    said = (reason or REJECTION) if state == "REJECTED" else ""
    return replace(applyment, state=state, sub_mchid=number, reason=said)


def _checked(request: web.Request, asked: dict[str, Any]) -> dict[str, str]:
    """The sensitive fields in clear, or PARAM_ERROR."""
    organization = asked.get("organization_type")
    if organization not in ORGANIZATIONS:
        raise param_error(f"organization_type is one of {', '.join(ORGANIZATIONS)}")
    if organization in LICENSED:
        licence = object_field(asked, "business_license_info")
        text_field(licence, "business_license_number", longest=18)
        text_field(licence, "merchant_name", longest=128)
    text_field(asked, "merchant_shortname", longest=64)
    scene = object_field(asked, "sales_scene_info")
    text_field(scene, "store_name", longest=256)
    card, account = object_field(asked, "id_card_info"), object_field(asked, "account_info")
    for name in ("id_card_copy", "id_card_national", "id_card_valid_time"):
        text_field(card, name, longest=256)
    if account.get("bank_account_type") not in ("74", "75"):
        raise param_error("bank_account_type is 74 or 75")
    text_field(account, "account_bank", longest=128)
    text_field(account, "bank_address_code", longest=20)
    text_field(object_field(asked, "contact_info"), "contact_type", longest=2)
    plain = {name: _opened(request, object_field(asked, part), name) for part, name in SENSITIVE}
    if not ID_CARD.match(plain["id_card_number"]):
        raise param_error("id_card_number is no identity card's number")
    if not MOBILE.match(plain["mobile_phone"]):
        raise param_error("mobile_phone is no mobile number")
    return plain


def _opened(request: web.Request, fields: dict[str, Any], name: str) -> str:
    sealed = text_field(fields, name, longest=2048)
    key = request.app[IDENTITY].ring.key(request.headers.get("Wechatpay-Serial", ""))
    if key is None:
        raise param_error("Wechatpay-Serial must name the key of the sensitive fields")
    oaep = padding.OAEP(mgf=padding.MGF1(SHA1()), algorithm=SHA1(), label=None)
    try:
        return key.decrypt(base64.b64decode(sealed, validate=True), oaep).decode()
    except (ValueError, binascii.Error):
        raise param_error(f"{name} is not sealed to the key of Wechatpay-Serial") from None
