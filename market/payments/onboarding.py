"""An owner applies at WeChat, once, and can be paid from then on. What is applied with passes through and stays nowhere."""

from __future__ import annotations

from infra.action import action
from infra.mysql.database import Tx
from infra.objects import MAGIC_BYTES, image_type
from market.kernel.actor import Call
from market.kernel.errors import BadInput, MarketError, NotFound
from market.kernel.ids import Id
from market.payments import books, merchant_store
from market.payments.commands import Onboard
from market.payments.port import Application, Applyment
from market.payments.rules import errands, merchants, sight, wording
from market.payments.rules.merchants import Merchant, Status
from market.payments.rules.sight import OnboardingView
from market.payments.wing import Payments

STATUS: dict[str, Status] = {"FINISH": "finished", "REJECTED": "rejected", "CANCELED": "rejected"}
"""WeChat's words for the end of an application; all others mean that it goes on."""

PICTURES = {"image/jpeg": "jpg", "image/png": "png"}


@action("payments.onboard", keyed=False)
async def onboard(payments: Payments, call: Call, command: Onboard) -> OnboardingView:
    """The asker wants to be paid: apply at WeChat. Asking again while it goes on, or when it is done, changes nothing.

    Raise BadInput for what WeChat would refuse, Conflict with its code for what it does refuse.
    """
    application = _application(payments, command)

    async def intend(tx: Tx) -> Merchant:
        known = await merchant_store.lock(tx, call.actor.user_id)
        merchant = merchants.begin(call.actor.user_id, known, call.now_ms)
        if merchant is not known:
            await merchant_store.put(tx, merchant)
        return merchant

    merchant = await payments.db.act(call.now_ms, intend, Merchant)
    if merchant.status == "sending":
        answer = await payments.pay.apply(
            out_request_no=merchant.out_request_no, application=application
        )
        merchant = await _record(payments, merchant.user_id, answer, call.now_ms)
    return sight.onboarding(merchant)


async def send_picture(payments: Payments, content: bytes) -> str:
    """Hand a picture for an application on to WeChat; its id there, good for that alone. It is kept nowhere.

    Raise BadInput for what is no JPEG or PNG of up to 2 MB.
    """
    ending = PICTURES.get(image_type(content[:MAGIC_BYTES]) or "")
    if ending is None:
        raise BadInput("a picture is a JPEG or a PNG")
    return await payments.pay.upload(filename=f"picture.{ending}", content=content)


async def ask_about(payments: Payments, user_id: Id, now_ms: int) -> bool:
    """Ask WeChat how an owner's application stands. Whether something was done.

    Raise MarketError when WeChat gave no usable answer; it will be asked again, ever later.
    """

    async def take(tx: Tx) -> Merchant | None:
        merchant = await merchant_store.lock(tx, user_id)
        if merchant is None or merchant.due_ms > now_ms:
            return None
        merchant = merchants.checked(merchant, now_ms)
        await merchant_store.put(tx, merchant)
        return merchant

    merchant: Merchant | None = await payments.db.act(now_ms, take, Merchant)
    if merchant is None or merchant.status not in ("sending", "applied"):
        return False
    try:
        answer = await payments.pay.query_applyment(merchant.out_request_no)
    except NotFound:
        await _hear(payments, user_id, "rejected", "", "", wording.NEVER_ARRIVED, now_ms)
    except MarketError:
        if merchant.checks >= errands.ALERT_AFTER:
            books.alert("query_failing", applyment=merchant.out_request_no, checks=merchant.checks)
        raise
    else:
        await _record(payments, user_id, answer, now_ms)
    return True


async def _record(payments: Payments, user_id: Id, answer: Applyment, now_ms: int) -> Merchant:
    status = STATUS.get(answer.state, "applied")
    return await _hear(
        payments, user_id, status, answer.sub_mchid or "", answer.sign_url or "", answer.reason, now_ms
    )  # fmt: skip


async def _hear(
    payments: Payments, user_id: Id, status: Status, sub_mchid: str, sign_url: str, reason: str,
    now_ms: int,
) -> Merchant:  # fmt: skip
    async def body(tx: Tx) -> Merchant:
        known = await merchant_store.lock(tx, user_id)
        assert known is not None
        merchant = merchants.heard(known, status, sub_mchid, sign_url, reason, now_ms)
        if merchant is not known:
            await merchant_store.put(tx, merchant)
            if (fact := merchants.told(merchant)) is not None:
                tx.emit(fact)
        return merchant

    return await payments.db.act(now_ms, body, Merchant)


def _application(payments: Payments, command: Onboard) -> Application:
    merchants.check_id_number(command.id_number)
    licence = (command.licence_number, command.licence_name, command.licence_media)
    if command.subject_type in ("sole_trader", "enterprise") and not all(licence):
        raise BadInput("a licence is needed", path="$.licence_number")
    return Application(
        subject_type=command.subject_type, legal_name=command.legal_name, id_number=command.id_number,
        id_valid_from=command.id_valid_from, id_valid_until=command.id_valid_until,
        id_front_media=command.id_front_media, id_back_media=command.id_back_media,
        mobile=command.mobile, bank=command.bank, bank_area_code=command.bank_area_code,
        bank_account=command.bank_account, bank_branch=command.bank_branch,
        shop_name=command.shop_name, shop_url=payments.shop_url, licence_number=licence[0],
        licence_name=licence[1], licence_media=licence[2],
    )  # fmt: skip
