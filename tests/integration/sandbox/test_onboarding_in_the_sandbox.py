"""An owner becomes a sub-merchant: at once, later, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.wechat.applyments import Application
from infra.wechat.ecommerce import WechatEcommerce
from market.kernel.errors import BadInput, Conflict, NotFound
from tests.integration.sandbox.conftest import OWNER, Mall, Phone

pytestmark = pytest.mark.timeout(30)


async def test_an_application_is_accepted_at_once(pay: WechatEcommerce, mall: Mall) -> None:
    number = mall.number()
    done = await pay.apply(out_request_no=number, application=OWNER)
    assert (done.state, done.out_request_no, done.reason) == ("FINISH", number, "")
    assert done.sub_mchid is not None
    assert await pay.apply(out_request_no=number, application=OWNER) == done
    assert await pay.query_applyment(number) == done


async def test_a_held_one_waits_for_the_decision(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(onboarding="hold")
    number = mall.number()
    held = await pay.apply(out_request_no=number, application=OWNER)
    assert (held.state, held.sub_mchid) == ("AUDITING", None)
    await phone.post("/sandbox/onboarding", out_request_no=number, decision="sign")
    to_sign = await pay.query_applyment(number)
    assert to_sign.state == "NEED_SIGN"
    assert to_sign.sign_url is not None
    await phone.post("/sandbox/onboarding", out_request_no=number, decision="accept")
    assert (await pay.query_applyment(number)).sub_mchid is not None


async def test_a_rejected_one_says_why_and_may_come_again(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(onboarding="reject")
    number = mall.number()
    rejected = await pay.apply(out_request_no=number, application=OWNER)
    assert (rejected.state, rejected.sub_mchid) == ("REJECTED", None)
    assert "id_card_name" in rejected.reason
    await phone.rules(onboarding="accept")
    again = await pay.apply(out_request_no=number, application=OWNER)
    assert (again.state, again.reason) == ("FINISH", "")


@pytest.mark.parametrize("fault", [None, "error_after", "drop_before"])
async def test_pictures_are_uploaded(
    pay: WechatEcommerce, mall: Mall, phone: Phone, fault: str | None
) -> None:
    await phone.faults(next=[fault] if fault else [])
    front = await pay.upload(filename="front.jpg", content=bytes(range(256)) * 4000)
    back = await pay.upload(filename="back.png", content=b"\r\n--boundary\r\n")
    assert front != back
    shown = replace(OWNER, id_front_media=front, id_back_media=back)
    done = await pay.apply(out_request_no=mall.number(), application=shown)
    assert done.state == "FINISH"


@pytest.mark.parametrize(
    ("filename", "content"),
    [("a.gif", b"x"), ("a.jpg", b""), ('a".jpg', b"x"), ("a.jpg", b"x" * (2 * 1024 * 1024 + 1))],
)
async def test_what_is_no_picture_is_not_sent(
    pay: WechatEcommerce, filename: str, content: bytes
) -> None:
    with pytest.raises(BadInput):
        await pay.upload(filename=filename, content=content)


async def test_a_firm_shows_its_licence(pay: WechatEcommerce, mall: Mall) -> None:
    firm = replace(OWNER, subject_type="enterprise")
    with pytest.raises(Conflict) as refused:
        await pay.apply(out_request_no=mall.number(), application=firm)
    assert refused.value.data["code"] == "PARAM_ERROR"
    licensed = replace(
        firm, licence_number="91110105MA00000000", licence_name="共享科技", licence_media="media-l"
    )
    done = await pay.apply(out_request_no=mall.number(), application=licensed)
    assert done.state == "FINISH"


@pytest.mark.parametrize(
    "wrong", [replace(OWNER, id_number="123"), replace(OWNER, mobile="010-1")], ids=["id", "mobile"]
)
async def test_what_cannot_be_right_is_refused(
    pay: WechatEcommerce, mall: Mall, wrong: Application
) -> None:
    number = mall.number()
    with pytest.raises(Conflict) as refused:
        await pay.apply(out_request_no=number, application=wrong)
    assert refused.value.data["code"] == "PARAM_ERROR"
    with pytest.raises(NotFound):
        await pay.query_applyment(number)


def test_what_identifies_a_person_is_not_printed() -> None:
    for secret in (OWNER.legal_name, OWNER.id_number, OWNER.mobile, OWNER.bank_account):
        assert secret not in repr(OWNER)
