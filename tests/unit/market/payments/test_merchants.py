"""An owner's way to being paid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import BadInput
from market.kernel.ids import Id
from market.payments.rules import merchants
from market.payments.rules.merchants import Merchant

NOW, OWNER = 1_800_000_000_000, Id(2)


def sending() -> Merchant:
    return merchants.begin(OWNER, None, NOW)


def test_an_application_is_handed_in_once_and_again_only_after_a_rejection() -> None:
    first = sending()
    assert merchants.begin(OWNER, first, NOW).out_request_no == first.out_request_no
    applied = merchants.heard(first, "applied", "", "https://sign", "", NOW)
    assert merchants.begin(OWNER, applied, NOW) is applied
    rejected = merchants.heard(applied, "rejected", "", "", "姓名不符", NOW)
    again = merchants.begin(OWNER, rejected, NOW)
    assert (again.status, again.reason) == ("sending", "")
    assert again.version > rejected.version


def test_what_is_finished_stays_finished() -> None:
    done = merchants.heard(sending(), "finished", "16001", "", "", NOW)
    assert done.sub_mchid == "16001"
    assert merchants.begin(OWNER, done, NOW) is done
    assert merchants.heard(done, "rejected", "", "", "?", NOW) is done


def test_the_owner_is_told_of_the_end_alone() -> None:
    applied = merchants.heard(sending(), "applied", "", "", "", NOW)
    assert merchants.told(applied) is None
    for status in ("finished", "rejected"):
        fact = merchants.told(merchants.heard(applied, status, "", "", "", NOW))
        assert fact is not None
        assert fact.entity == OWNER
    assert merchants.heard(applied, "applied", "", "", "", NOW) is applied


def test_it_is_asked_about_ever_later_up_to_an_hour() -> None:
    merchant, waits = sending(), []
    for _ in range(12):
        merchant = merchants.checked(merchant, NOW)
        waits.append(merchant.due_ms - NOW)
    assert waits[:3] == [60_000, 120_000, 240_000]
    assert waits[-1] == merchants.LONGEST_CHECK_MS


def test_an_identity_number_has_a_right_last_place() -> None:
    merchants.check_id_number("11010519491231002X")
    for wrong in ("110105194912310021", "11010519491231002x", "1101051949123100", ""):
        with pytest.raises(BadInput):
            merchants.check_id_number(wrong)


@given(st.from_regex(r"\d{17}", fullmatch=True))
def test_exactly_one_last_place_fits(first: str) -> None:
    fits = 0
    for last in "0123456789X":
        try:
            merchants.check_id_number(first + last)
        except BadInput:
            continue
        fits += 1
    assert fits == 1 or not first.isascii()
