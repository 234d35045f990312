"""The life of an order's money, without a database: whatever arrives in whatever order, the books come out right."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.actor import Actor
from market.kernel.errors import AlreadyDone, Conflict, IllegalTransition, NotFound, NotYet
from market.kernel.facts import Fact, OrderMoved, PaymentClosed
from market.kernel.ids import Id
from market.payments.rules import division, errands, escrow, ledger, sight, wording
from market.payments.rules.division import Payout, Refund
from market.payments.rules.escrow import Payable, Payment

ORDER, BUYER, OWNER = Id(7), Id(1), Id(2)
NOW, PAY_BY = 1_800_000_000_000, 1_800_000_900_000

PATHS = (
    ("expired",),
    ("cancelled",),
    ("ready", "cancelled"),
    ("ready", "in_use", "returned", "completed"),
    ("ready", "in_use", "disputed", "completed"),
    ("ready", "in_use", "returned", "disputed", "refunded"),
)


def moved(
    version: int,
    state: str,
    *,
    rent: int = 2_000,
    deposit: int = 10_000,
    fee: int = 200,
    refund: int = 0,
) -> OrderMoved:
    """As the orders tell it: at the end of an order, whose the money is."""
    if state == "completed":
        refund = deposit
    back_deposit = min(refund, deposit)
    kept_rent = rent - (refund - back_deposit)
    ended = state in ("completed", "cancelled", "refunded")
    total, whole_fee = rent + deposit, fee
    fee = whole_fee * kept_rent // rent if ended and rent else whole_fee
    return OrderMoved(
        order_id=ORDER, version=version, transition=state, state=state, by="time", listing_id=Id(9),
        buyer_id=BUYER, owner_id=OWNER, title="电钻", start_ms=0, end_ms=1, rent_fen=rent,
        deposit_fen=deposit, fee_fen=fee if rent or not ended else 0, total_fen=total, refund_fen=refund,
        refund_deposit_fen=back_deposit,
        owner_fen=total - refund - (fee if rent else 0) if ended else 0, tells=("buyer", "owner"), pay_by_ms=PAY_BY,
    )  # fmt: skip


def payable(state: str = "pending_payment", **changes: int) -> Payable:
    return escrow.heard(None, moved(1, state, **changes))


def payment(of: Payable) -> Payment:
    return escrow.prepare(Id(70), of, "16001", "openid", NOW)


def paid(of: Payable) -> Payment:
    effect = escrow.receive(payment(of), of.total_fen, "4200", NOW)
    assert effect is not None
    return effect.payment


@dataclass(slots=True)
class Books:
    """What the store keeps, in memory, with the store's unique keys."""

    payable: Payable | None = None
    payment: Payment | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)
    payout: Payout | None = None
    reasons: set[str] = field(default_factory=set)
    balances: Counter[str] = field(default_factory=Counter)
    facts: list[Fact] = field(default_factory=list)

    def hear(self, fact: OrderMoved) -> None:
        self.payable = escrow.heard(self.payable, fact)
        self._follow()

    def receive(self) -> None:
        assert self.payable is not None
        self.payment = self.payment or payment(self.payable)
        self._write(escrow.receive(self.payment, self.payable.total_fen, "4200", NOW))
        self._follow()

    def refund_all(self) -> None:
        for reason, refund in self.refunds.items():
            assert self.payable is not None
            assert self.payment is not None
            effect = division.refunded(self.payable, self.payment, refund, "503", NOW)
            self._write(effect)
            if effect is not None and effect.refund is not None:
                self.refunds[reason] = effect.refund
                if self.payout is not None:
                    self.payout = division.begun(self.payout, NOW)

    def pay_out(self) -> None:
        """WeChat carries out the next step, if there is one."""
        if self.payment is None or self.payout is None:
            return
        effect = division.carried_out(self.payment, self.payout, NOW)
        if effect is None:
            return
        assert all(refund.status == "done" for refund in self.refunds.values())
        self._write(
            replace(effect, payment=replace(effect.payment, version=self.payment.version + 1))
        )
        self.payout = effect.payout

    def _follow(self) -> None:
        if self.payable is None or self.payment is None:
            return
        effect = division.divide(self.payable, self.payment, Id(700), Id(701), NOW)
        self._write(effect)
        if effect is not None and effect.refund is not None:
            assert effect.refund.reason not in self.refunds
            self.refunds[effect.refund.reason] = effect.refund
        if effect is not None and effect.payout is not None:
            assert self.payout is None
            self.payout = effect.payout

    def _write(self, effect: escrow.Effect | division.Effect | None) -> None:
        if effect is None:
            return
        assert self.payment is None or effect.payment.version == self.payment.version + 1
        self.payment = effect.payment
        self.facts += effect.facts
        if effect.posting is not None:
            assert effect.posting.reason not in self.reasons
            self.reasons.add(effect.posting.reason)
            for line in effect.posting.lines:
                self.balances[line.account] += line.amount_fen
        self.check()

    def check(self) -> None:
        assert sum(self.balances.values()) == 0
        assert min(self.of_order()) >= 0
        assert self.balances[ledger.owner(OWNER)] >= 0
        assert self.balances[ledger.FEES] >= 0
        assert self.balances[ledger.CLEARING] <= 0  # never more given back than came

    def of_order(self) -> tuple[int, int]:
        return self.balances[ledger.escrow(ORDER)], self.balances[ledger.deposit(ORDER)]


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[OrderMoved], list[str]]:
    """An order's facts, and the order in which they and WeChat's news arrive ("paid" and "refund" more than once)."""
    rent, deposit = draw(st.integers(0, 5_000)), draw(st.integers(0, 5_000))
    amounts = {"rent": rent, "deposit": deposit, "fee": draw(st.integers(0, rent))}
    path = draw(st.sampled_from(PATHS))
    facts = [moved(1, "pending_payment", **amounts)]
    for version, state in enumerate(path, start=2):
        back = draw(st.integers(0, rent + deposit)) if state in ("cancelled", "refunded") else 0
        facts.append(moved(version, state, **amounts, refund=back))
    news = (
        ["order"] * len(path)
        + ["paid"] * draw(st.integers(1, 3))
        + ["refund"] * draw(st.integers(0, 3))
        + ["payout"] * draw(st.integers(0, 3))
    )
    return facts, draw(st.permutations(news))


@given(stories(), st.booleans())
def test_whatever_the_order_of_arrival_the_money_ends_where_it_belongs(
    story: tuple[list[OrderMoved], list[str]], twice: bool
) -> None:
    facts, news = story
    books, waiting = Books(), list(facts[1:])
    books.hear(facts[0])
    for event in news:
        if event == "order":
            fact = waiting.pop(0)
            books.hear(fact)
            if twice:
                books.hear(fact)
        elif event == "paid":
            books.receive()
        elif event == "payout":
            books.pay_out()
        else:
            books.refund_all()
    books.refund_all()
    books.pay_out()
    books.pay_out()

    last, total = facts[-1], facts[0].total_fen
    counted_in = any(fact.state == "ready" for fact in facts)
    back = last.refund_fen if counted_in else total
    fee = last.fee_fen if counted_in else 0
    kept = total - back
    assert books.of_order() == (0, 0)
    assert books.balances[ledger.CLEARING] == 0  # nothing stays frozen
    assert books.balances[ledger.PLATFORM] == -fee
    assert books.balances[ledger.FEES] == fee
    assert books.balances[ledger.owner(OWNER)] == 0  # released
    assert (books.payout.owner_fen if books.payout else 0) == kept - fee
    kinds = Counter(fact.kind for fact in books.facts)
    assert kinds["payment.received"] == 1
    assert kinds["payment.refunded"] == (1 if back else 0)
    assert kinds["payment.settled"] == (1 if kept else 0)


def test_a_completed_order_gives_the_deposit_back_and_credits_the_owner_less_the_fee() -> None:
    effect = division.divide(payable("completed"), paid(payable()), Id(700), Id(701), NOW)
    assert effect is not None
    assert effect.refund is not None
    assert (effect.refund.amount_fen, effect.refund.deposit_fen) == (10_000, 10_000)
    assert effect.posting is not None
    assert {line.account: line.amount_fen for line in effect.posting.lines} == {
        "escrow:7": -2_000, "owner:2": 1_800, "platform:fees": 200,
    }  # fmt: skip


def test_while_the_order_goes_on_the_money_stays_in_escrow() -> None:
    for state in ("pending_payment", "ready", "in_use", "returned", "disputed"):
        assert division.divide(payable(state), paid(payable()), Id(700), Id(701), NOW) is None


def test_a_cancelled_order_that_never_heard_of_its_payment_gives_everything_back() -> None:
    effect = division.divide(payable("cancelled", refund=0), paid(payable()), Id(700), Id(701), NOW)
    assert effect is not None
    assert effect.refund is not None
    assert effect.refund.amount_fen == 12_000
    assert effect.posting is None


def test_a_payment_counts_once_and_only_with_its_own_amount_and_transaction() -> None:
    done = paid(payable())
    assert escrow.receive(done, 12_000, "4200", NOW) is None
    with pytest.raises(Conflict):
        escrow.receive(done, 12_000, "4201", NOW)
    with pytest.raises(Conflict):
        escrow.receive(payment(payable()), 11_999, "4200", NOW)


def test_a_closed_payment_that_is_paid_all_the_same_is_booked() -> None:
    closing = escrow.close(payable(), payment(payable()))
    assert closing is not None
    assert (closing.payment.status, closing.facts) == ("closed", ())
    effect = escrow.receive(closing.payment, 12_000, "4200", NOW)
    assert effect is not None
    assert effect.payment.status == "paid"
    assert escrow.close(payable(), effect.payment) is None


def test_an_order_that_expires_hears_of_the_close_whenever_it_came() -> None:
    expiring = payable("expiring")
    first = escrow.close(expiring, payment(payable()))
    closed_before = escrow.close(payable(), payment(payable()))
    assert first is not None
    assert closed_before is not None
    assert escrow.close(payable(), closed_before.payment) is None
    later = escrow.close(expiring, closed_before.payment)
    assert later is not None
    assert later.payment.version == closed_before.payment.version + 1
    for facts in (first.facts, later.facts):
        (fact,) = facts
        assert isinstance(fact.data, PaymentClosed)
        assert (fact.data.order_id, fact.data.payment_id) == (ORDER, Id(70))
    unopened = escrow.never_opened(expiring)
    assert unopened is not None
    assert isinstance(unopened.data, PaymentClosed)
    assert unopened.data.payment_id == 0
    assert escrow.never_opened(payable()) is None
    assert escrow.close(expiring, paid(payable())) is None


def test_only_the_buyer_pays_and_only_in_time_and_once() -> None:
    escrow.may_pay(payable(), None, BUYER, PAY_BY - 1)
    with pytest.raises(NotFound):
        escrow.may_pay(payable(), None, OWNER, NOW)
    with pytest.raises(IllegalTransition):
        escrow.may_pay(payable(), None, BUYER, PAY_BY)
    with pytest.raises(IllegalTransition):
        escrow.may_pay(payable("cancelled"), None, BUYER, NOW)
    with pytest.raises(NotYet):  # the owner's yes may be on its way
        escrow.may_pay(payable("requested"), None, BUYER, NOW)
    with pytest.raises(AlreadyDone):
        escrow.may_pay(payable(), paid(payable()), BUYER, NOW)


def test_older_facts_change_nothing() -> None:
    ready = escrow.heard(payable(), moved(2, "ready"))
    assert escrow.heard(ready, moved(1, "pending_payment")) is ready
    assert escrow.heard(ready, moved(3, "cancelled")).accepted


@given(st.integers(0, 2**63 - 1))
def test_numbers_for_wechat_fit(id_: int) -> None:
    number = escrow.prepare(Id(id_), payable(), "16001", "openid", NOW).out_trade_no
    assert 6 <= len(number) <= 32
    assert number.isalnum()


@given(st.text(max_size=300))
def test_texts_for_wechat_fit(title: str) -> None:
    for longer in (False, True):
        assert 0 < len(wording.description(title, longer=longer)) <= 127


def test_refund_reasons_fit_eighty_bytes() -> None:
    assert set(wording.REFUND_REASONS) == {
        "declined",
        "deadline",
        "expired",
        "cancelled",
        "completed",
        "refunded",
    }
    assert all(len(text.encode()) <= 80 for text in wording.REFUND_REASONS.values())


def test_a_posting_that_does_not_sum_to_zero_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="sum to zero"):
        ledger.posting(ORDER, "received", {ledger.CLEARING: -2, ledger.escrow(ORDER): 1})
    assert ledger.posting(ORDER, "received", {ledger.CLEARING: 0, ledger.escrow(ORDER): 0}) is None


def test_queries_come_after_30_s_2_min_10_min_and_a_little_after_the_time_to_pay() -> None:
    at, times = NOW, []
    for checks in range(5):
        at = errands.next_check_ms(NOW, checks, PAY_BY, 30.0, at)
        times.append((at - NOW) / 1000)
    assert times[:4] == [30, 120, 600, 910]
    assert times[4] > 910


@given(st.integers(0, 10**7), st.integers(0, 100), st.integers(1, 10**7), st.floats(0.1, 60))
def test_the_next_query_is_always_later(
    elapsed_ms: int, checks: int, window_ms: int, query_s: float
) -> None:
    now = NOW + elapsed_ms
    assert errands.next_check_ms(NOW, checks, NOW + window_ms, query_s, now) > now


def test_backoff_grows_to_ten_minutes() -> None:
    waits = [errands.backoff_ms(n) for n in range(40)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2_000, 600_000)


def test_each_party_sees_its_own_side_only() -> None:
    order, done = payable("ready"), paid(payable())
    entries = [
        ledger.Entry(tx_id=Id(1), line=n, order_id=ORDER, reason="received", account=account, amount_fen=fen, at_ms=NOW)
        for n, (account, fen) in enumerate([("wechat:clearing", -12_000), ("escrow:7", 2_000), ("deposit:7", 10_000)])
    ]  # fmt: skip
    buyer = sight.see([(order, done)], [], entries, "buyer")
    assert buyer.due is None
    assert buyer.paid is not None
    assert (buyer.paid.status, buyer.paid.total_fen) == ("paid", 12_000)
    owner = sight.see([(order, done)], [], entries, "owner")
    assert owner.paid is None
    assert owner.due is not None
    assert (owner.due.status, owner.due.due_fen, owner.due.settled_fen) == ("escrowed", 1_800, 0)
    told = sight.statement(order, entries)
    assert (told.paid_fen, told.held_rent_fen, told.held_deposit_fen) == (12_000, 2_000, 10_000)


def test_strangers_learn_nothing() -> None:
    with pytest.raises(NotFound):
        sight.party_of(payable(), Actor(user_id=Id(99), role="user"))
    assert sight.party_of(payable(), Actor(user_id=OWNER, role="user")) == "owner"
    assert sight.party_of(payable(), Actor(user_id=Id(99), role="operator")) == "operator"


def test_an_unpaid_order_that_ended_owes_the_owner_nothing() -> None:
    view = sight.see([(replace(payable(), state="expired"), None)], [], [], "owner")
    assert view.due is not None
    assert (view.due.status, view.due.due_fen) == ("void", 0)
