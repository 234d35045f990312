"""Every endpoint, asked wrongly in every way. What fails is listed whole, so that one run shows all of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.app import SERVICES, routes_of
from api.routing import RawRoute, Route
from tests.integration.hostile import spoil
from tests.integration.hostile.asking import Ask, Line
from tests.integration.hostile.forged import bad_tokens
from tests.integration.hostile.lines import LINES
from tests.integration.hostile.scene import Answer, World, envelope_faults, new_key

ROUTES = [route for service in SERVICES for route in routes_of(service) if isinstance(route, Route)]
RAW_ROUTES = {
    f"{route.method} {route.path}" for service in SERVICES for route in routes_of(service) if isinstance(route, RawRoute)
}  # fmt: skip
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation.name)


class Trial:
    """One route, its line, a valid asking, and what went wrong with the invalid ones."""

    def __init__(self, world: World, route: Route, ask: Ask) -> None:
        self.world, self.route, self.ask = world, route, ask
        self.operation = route.operation
        self.in_path = set(re.findall(r"{(\w+)}", route.path))
        self.reads = route.method == "GET"
        self.cases = 0
        self.faults: list[str] = []

    @property
    def token(self) -> str | None:
        return self.ask.who.token if self.ask.who else None

    def path(self, fields: dict[str, Any]) -> str:
        return re.sub(r"{(\w+)}", lambda m: str(fields[m[1]]), self.route.path)

    def rest(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in fields.items() if n not in self.in_path}

    async def send(
        self, fields: dict[str, Any] | None = None, *, key: str | None = "new", token: str | None = "own", **more: Any
    ) -> Answer:  # fmt: skip
        fields = self.ask.fields if fields is None else fields
        rest = self.rest(fields)
        if "raw" not in more:
            more |= {"query": rest} if self.reads else {"body": rest}
        path = self.path({**self.ask.fields, **fields})
        return await self.world.ask(
            self.route.method, path, key=new_key() if key == "new" else key,
            token=self.token if token == "own" else token, **more,
        )  # fmt: skip

    def expect(self, what: str, answer: Answer, status: int, code: str) -> None:
        self.cases += 1
        if (answer.status, answer.code) != (status, code):
            self.faults.append(f"{what}: {answer}, not {status} {code}")
        self.faults += [f"{what}: {fault}" for fault in envelope_faults(answer)]

    def expect_no_crash(self, what: str, answer: Answer) -> None:
        self.cases += 1
        if answer.status >= 500:
            self.faults.append(f"{what}: {answer}")
        self.faults += [f"{what}: {fault}" for fault in envelope_faults(answer)]

    async def expect_done(self, what: str) -> Answer:
        answer = await self.send()
        if answer.status != self.route.status:
            self.faults.append(f"{what}: the valid asking got {answer} {answer.raw!r:.300}")
        return answer


STATUS = {
    "not_found": 404, "forbidden": 403, "version_conflict": 409, "stale_quote": 409, "not_yet": 409, "key_reused": 409,
    "bad_login_code": 401,
}  # fmt: skip


@pytest.fixture
async def trial(world: World, route: Route, record_property: Any) -> AsyncIterator[Trial]:
    one = Trial(world, route, await LINES[route.operation.name].build(world))
    yield one
    record_property("cases", one.cases)
    assert not one.faults, f"{len(one.faults)} faults:\n" + "\n".join(one.faults)


def line_of(trial: Trial) -> Line:
    return LINES[trial.operation.name]


def test_every_endpoint_has_a_line() -> None:
    from hub.commands import COMMANDS

    assert set(LINES) == {route.operation.name for route in ROUTES} | set(COMMANDS)
    tested = {
        "POST /v1/payments/notify", "POST /v1/payments/pictures", "POST /v1/wechat/events", "GET /v1/wechat/events",
        "PUT /v1/objects/{key:.+}", "GET /v1/objects/{key:.+}",
    }  # fmt: skip
    assert tested == RAW_ROUTES, "a raw endpoint needs tests of its own in test_http.py"


@every_route
async def test_who_may_ask(trial: Trial, world: World) -> None:
    """Without a token, with a wrong one, with a stranger's: nothing is done, and the right one is as welcome as before."""
    who = trial.ask.who or world.buyer
    if not trial.operation.public:
        trial.expect("no token", await trial.send(token=None), 401, "unauthenticated")
    for name, (token, code) in bad_tokens(world, who).items():
        trial.expect(f"a token {name}", await trial.send(token=token), 401, code)
    for header in ("Bearer", "Bearer ", "Basic YTpi", who.token, f"Token {who.token}", ""):
        answer = await trial.send(token=None, headers={"Authorization": header})
        trial.expect(f"Authorization: {header[:20]!r}", answer, 401, "unauthenticated")
    stranger = line_of(trial).stranger
    if stranger is not None:
        answer = await trial.send(token=world.stranger.token)
        trial.expect("a stranger", answer, STATUS[stranger], stranger)
        assert who.id not in answer.raw.decode(), "a refusal speaks of the parties"
    await trial.expect_done("afterwards")


@every_route
async def test_what_does_not_fit(trial: Trial, world: World) -> None:
    """Wrong types, wrong versions, no key, broken and oversized bodies: the documented code, and nothing half-done."""
    good, takes = trial.ask.fields, trial.operation.takes
    names = set(spoil.fields_of(takes))
    for what, fields in _wrong(trial):
        trial.expect(what, await trial.send(fields), 400, "invalid")
    for name in trial.in_path:
        for text in spoil.wrong_id_texts():
            if len(text) < 100:
                answer = await trial.send(
                    {**good, name: text.replace(" ", "%20").replace("\x00", "%00")}
                )
                trial.expect(f"path {name}={text!r}", answer, 400, "invalid")
    if trial.operation.keyed:
        trial.expect("no key", await trial.send(key=None), 400, "key_required")
        for key in ("k" * 65, "ключ", "a\x85b", ""):
            trial.expect(f"key {key!r:.20}", await trial.send(key=key), 400, "key_required")
    for name, value, code in line_of(trial).stale:
        trial.expect(f"{name}={value}", await trial.send({**good, name: value}), STATUS[code], code)
    if not trial.reads:
        await _raw_bodies(trial)
    assert names >= set(good), "the valid asking has unknown fields"
    await trial.expect_done("afterwards")


def _wrong(trial: Trial) -> list[spoil.Wrong]:
    names = set(spoil.fields_of(trial.operation.takes)) - trial.in_path
    of = spoil.wrong_queries if trial.reads else spoil.wrong_bodies
    return of(trial.operation.takes, trial.ask.fields, names)


async def _raw_bodies(trial: Trial) -> None:
    for what, raw in spoil.RAW_BODIES:
        trial.expect(what, await trial.send(raw=raw), 400, "invalid")
    big = b'{"a": "' + b"x" * 70 * 1024 + b'"}'
    trial.expect("70 KiB", await trial.send(raw=big), 413, "too_large")
    trial.expect("70 KiB in chunks", await trial.send(raw=_chunks(big)), 413, "too_large")
    trial.expect("70 KiB, no token", await trial.send(raw=big, token=None), 413, "too_large")


async def _chunks(whole: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), 8192):
        yield whole[start : start + 8192]


@every_route
async def test_strange_text(trial: Trial) -> None:
    """NUL, emoji, SQL, wildcards, right-to-left marks: taken or refused, never a crash."""
    names = set(spoil.fields_of(trial.operation.takes)) - trial.in_path
    for what, fields in spoil.odd_texts(trial.operation.takes, trial.ask.fields, names):
        trial.expect_no_crash(what, await trial.send(fields))


@every_route
async def test_twice_is_once(trial: Trial, world: World) -> None:
    """The same key: the same answer and one effect. The same key for something else: refused."""
    line, key = line_of(trial), new_key()
    first = await trial.send(key=key)
    if first.status != trial.route.status:
        trial.faults.append(f"the valid asking got {first} {first.raw!r:.300}")
    seen = await line.see(world, trial.ask) if line.see else None
    for nth in ("second", "third"):
        again = await trial.send(key=key)
        trial.expect(
            f"the {nth} time", again, STATUS.get(line.again, trial.route.status), line.again
        )
        if (
            trial.operation.keyed
            and trial.operation.name != "users.refresh"
            and again.raw != first.raw
        ):
            trial.faults.append(f"another answer: {first.raw!r:.200} then {again.raw!r:.200}")
    if line.see:
        after = await line.see(world, trial.ask)
        if after != seen:
            trial.faults.append(f"two effects: {seen!r:.300} then {after!r:.300}")
        if seen in (0, []):
            trial.faults.append("no effect")
    if trial.operation.keyed:
        other = other_fields(trial.operation.name, trial.ask)
        if other:
            answer = await trial.send({**trial.ask.fields, **other}, key=key)
            trial.expect(f"the key with {other}", answer, 409, "key_reused")


def other_fields(name: str, ask: Ask) -> dict[str, Any]:
    """Valid, but other (of the same entity, since a key is claimed under the entity's lock). Empty: there are none."""
    changes: dict[str, Any] = {
        "users.refresh": {}, "users.logout": {"everywhere": False}, "users.ban": {"reason": "y"},
        "users.edit_profile": {"nickname": "乙"}, "listings.publish": {"title": "另一把"}, "listings.draft": {"title": "另一把"}, "ratings.rate": {"comment": "乙"},
        "orders.create": {"end_ms": ask.fields.get("end_ms", 0) + 1}, "chat.open_enquiry": {},
        "chat.send": {"text": "乙"}, "notices.publish": {"title": "乙"}, "notices.allow": {"answers": [{"kind": "chat", "answer": "reject"}]}, "payments.resolve": {"note": "乙"}, "payments.settle_refund": {"note": "乙"},
        "chat.erase": {"reason": "乙"},
        "orders.decide": {"decision": "release"}, "listings.create_experiment": {"name": "乙"}, "orders.start": {"code": "000000"}, "orders.return": {"code": "999999"},
    }  # fmt: skip
    return dict(changes.get(name, {"version": 77}))


@every_route
async def test_unknown_fields_change_nothing(trial: Trial) -> None:
    """What nobody asked for is ignored: a price, an owner, a role, a state."""
    forged = {
        "total_fen": 1, "rent_fen": 1, "fee_fen": 0, "price_fen": 1, "amount_fen": 1, "buyer_id": "1", "owner_id": "1",
        "user_id_": "1", "role_": "operator", "actor": {"role": "system"}, "state": "completed", "__class__": "x",
        "now_ms": 0, "status": "live",
    }  # fmt: skip
    known = set(spoil.fields_of(trial.operation.takes))
    answer = await trial.send(
        {**trial.ask.fields, **{n: v for n, v in forged.items() if n not in known}}
    )
    if answer.status != trial.route.status:
        trial.faults.append(f"{answer} {answer.raw!r:.300}")
    if trial.operation.name == "orders.create":
        order, buyer = answer.json, trial.world.buyer
        assert (order["rent_fen"], order["deposit_fen"], order["total_fen"]) == (120, 500, 620)
        assert (order["buyer_id"], order["state"]) == (buyer.id, "pending_payment")
