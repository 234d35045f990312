"""A coroutine of the product that blocks its loop fails the test; everybody else may block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from blockbuster import BlockingError

import infra

PRODUCT = infra.__path__[0]


def _as_if_in(package: str, source: str) -> Callable[[], None]:
    space: dict[str, Any] = {"time": time}
    exec(compile(source, f"{package}/made_up.py", "exec"), space)
    act: Callable[[], None] = space["act"]
    return act


SLEEPS = "def act():\n    time.sleep(0.001)\n"


async def test_product_code_must_not_block() -> None:
    with pytest.raises(BlockingError):
        _as_if_in(PRODUCT, SLEEPS)()


async def test_test_code_may_block() -> None:
    _as_if_in("/tests", SLEEPS)()


async def test_product_code_may_block_in_a_thread() -> None:
    await asyncio.to_thread(_as_if_in(PRODUCT, SLEEPS))


@pytest.mark.allow_blocking
async def test_a_test_may_ask_for_an_exception() -> None:
    _as_if_in(PRODUCT, SLEEPS)()


def test_without_a_loop_nothing_is_watched() -> None:
    _as_if_in(PRODUCT, SLEEPS)()


async def test_starting_may_read_files() -> None:
    starts = "def open_process():\n    time.sleep(0.001)\ndef act():\n    open_process()\n"
    _as_if_in(PRODUCT, starts)()
