"""An owner's application to become a sub-merchant of the platform, and what became of it.

Source: pay.weixin.qq.com, 平台收付通: 提交申请单, 通过业务申请编号查询申请状态. What identifies a person or
an account travels sealed to the platform's key (RSA-OAEP), and never appears in a repr.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.wechat.fields import Malformed, object_of, text_of

SubjectType = Literal["micro", "seller", "sole_trader", "enterprise"]
ApplymentState = Literal[
    "CHECKING",
    "ACCOUNT_NEED_VERIFY",
    "AUDITING",
    "REJECTED",
    "NEED_SIGN",
    "FINISH",
    "FROZEN",
    "CANCELED",
]

_ORGANIZATIONS: Mapping[SubjectType, str] = {
    "micro": "2401",
    "seller": "2500",
    "sole_trader": "4",
    "enterprise": "2",
}
_STATES: Mapping[str, ApplymentState] = {
    "CHECKING": "CHECKING",
    "ACCOUNT_NEED_VERIFY": "ACCOUNT_NEED_VERIFY",
    "AUDITING": "AUDITING",
    "REJECTED": "REJECTED",
    "NEED_SIGN": "NEED_SIGN",
    "FINISH": "FINISH",
    "FROZEN": "FROZEN",
    "CANCELED": "CANCELED",
}
_PERSONAL, _CORPORATE = "75", "74"
_LEGAL_PERSON = "65"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Who applies. `micro`: a person without a licence; the licence fields are for `sole_trader` and
    `enterprise` alone.

    Media are ids of pictures uploaded to WeChat. `id_valid_until` is YYYY-MM-DD or 长期.
    """

    subject_type: SubjectType
    legal_name: str = field(repr=False)
    id_number: str = field(repr=False)
    id_valid_from: str
    id_valid_until: str
    id_front_media: str
    id_back_media: str
    mobile: str = field(repr=False)
    bank: str
    bank_area_code: str
    bank_account: str = field(repr=False)
    bank_branch: str = ""
    shop_name: str
    shop_url: str
    licence_number: str = ""
    licence_name: str = ""
    licence_media: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applyment:
    """`sub_mchid` comes with FINISH, `sign_url` when the owner is to sign, `reason` with REJECTED."""

    out_request_no: str
    state: ApplymentState
    sub_mchid: str | None
    sign_url: str | None
    reason: str


def applyment_request(
    out_request_no: str, application: Application, seal: Callable[[str], str]
) -> dict[str, Any]:
    """The body of the application; `seal` is what hides a sensitive field."""
    licensed = application.subject_type in ("sole_trader", "enterprise")
    holder = application.licence_name if licensed else application.legal_name
    body: dict[str, Any] = {
        "out_request_no": out_request_no,
        "organization_type": _ORGANIZATIONS[application.subject_type],
        "id_doc_type": "IDENTIFICATION_TYPE_MAINLAND_IDCARD",
        "id_card_info": {
            "id_card_copy": application.id_front_media,
            "id_card_national": application.id_back_media,
            "id_card_name": seal(application.legal_name),
            "id_card_number": seal(application.id_number),
            "id_card_valid_time_begin": application.id_valid_from,
            "id_card_valid_time": application.id_valid_until,
        },
        "account_info": {
            "bank_account_type": _CORPORATE if licensed else _PERSONAL,
            "account_bank": application.bank,
            "account_name": seal(holder),
            "bank_address_code": application.bank_area_code,
            "account_number": seal(application.bank_account),
        },
        "contact_info": {
            "contact_type": _LEGAL_PERSON,
            "contact_name": seal(application.legal_name),
            "contact_id_card_number": seal(application.id_number),
            "mobile_phone": seal(application.mobile),
        },
        "sales_scene_info": {
            "store_name": application.shop_name,
            "store_url": application.shop_url,
        },
        "merchant_shortname": application.shop_name,
    }
    if application.bank_branch:
        body["account_info"]["bank_name"] = application.bank_branch
    if licensed:
        body["business_license_info"] = {
            "business_license_copy": application.licence_media,
            "business_license_number": application.licence_number,
            "merchant_name": application.licence_name,
            "legal_person": application.legal_name,
        }
    return body


def applyment_from(answer: object) -> Applyment:
    """Reads the answer to a query; raises Malformed."""
    fields = object_of(answer)
    state = _STATES.get(text_of(fields, "applyment_state"))
    if state is None:
        raise Malformed("unknown applyment_state")
    return Applyment(
        out_request_no=text_of(fields, "out_request_no"),
        state=state,
        sub_mchid=text_of(fields, "sub_mchid") if state == "FINISH" else None,
        sign_url=text_of(fields, "sign_url") if fields.get("sign_url") else None,
        reason=_reason(fields.get("audit_detail")),
    )


def _reason(details: object) -> str:
    said = details if isinstance(details, list) else []
    return "；".join(
        f"{detail.get('param_name', '')}: {detail.get('reject_reason', '')}"
        for detail in said
        if isinstance(detail, dict)
    )
