"""The OpenAPI file against the running product: whatever it allows to be sent, and much that it does not, never gives a 5xx."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from devkit.client import Person
from devkit.stack import Stack

EXAMPLES = 12
"""Per operation and kind (fitting, not fitting)."""

LONGEST_LINE = b"Got more than 8190 bytes"
"""What the HTTP server says of a request line, in words of its own."""

SHAPE = (content_type_conformance, response_schema_conformance, status_code_conformance)


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return asyncio.run(_log_in(stack))


async def _log_in(stack: Stack) -> str:
    async with aiohttp.ClientSession() as http:
        person = Person(
            http, api=stack.api_url, hubs=[], sandbox=stack.sandbox_url, openid="openapi"
        )
        return (await person.log_in()).token


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "not fitting"]
)
def test_no_request_gives_a_server_error(stack: Stack, token: str, mode: GenerationMode) -> None:
    """Statuses, types and bodies of the answers are those that the file declares."""
    schema = schemathesis.openapi.from_url(f"{stack.api_url}/openapi.json")
    headers = {"Authorization": f"Bearer {token}"}
    tried: dict[str, int] = {}
    faults: list[str] = []
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        if operation.path in ("/v1/logout", "/v1/me/forget"):
            continue  # it would end the session of the others
        _try(operation, mode, headers, tried, faults)
    assert len(tried) >= 40
    assert sum(tried.values()) >= 5 * len(tried)
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults)


def _try(
    operation: Any, mode: GenerationMode, headers: dict[str, str], tried: dict[str, int], faults: list[str]
) -> None:  # fmt: skip
    name = operation.label

    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Case[Any]) -> None:
        tried[name] = tried.get(name, 0) + 1
        raw = (
            "put" in name.lower()
            or "/v1/objects/" in name
            or "/notify" in name
            or "/pictures" in name
        )
        checks = [not_a_server_error, *(() if raw else SHAPE)]
        answer = case.call(headers=headers)
        if answer.status_code == 400 and LONGEST_LINE in answer.content:
            return  # it never had an endpoint
        case.validate_response(answer, headers=headers, checks=checks)

    try:
        one()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing can be wrong with what takes nothing
    except Exception as error:
        faults.append(f"{name}: {error!r:.1500}")
