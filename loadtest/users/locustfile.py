"""Virtual users for ShareHub. From the repository: locust -f loadtest/users/locustfile.py --host http://API (loadtest/README.md)."""

from __future__ import annotations

import secrets
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser

from loadtest.users.chat import Chat
from loadtest.users.hot_listing import HotListing
from loadtest.users.idle import Idle
from loadtest.users.orders import OrderTraffic
from loadtest.users.place import Place
from loadtest.users.steady import Steady
from loadtest.users.storm import ForegroundStorm

__all__ = ["Chat", "ForegroundStorm", "HotListing", "Idle", "OrderTraffic"]


def arguments(parser: LocustArgumentParser) -> None:
    parser.add_argument(
        "--hubs", env_var="SHAREHUB_LOAD_HUBS", default="",
        help="the hubs' WebSocket URLs, separated by commas (default: /ws of --host)",
    )  # fmt: skip
    parser.add_argument(
        "--sandbox", env_var="SHAREHUB_LOAD_SANDBOX", default="http://127.0.0.1:8090",
        help="WeChat's stand-in, which gives login codes and pays",
    )  # fmt: skip
    parser.add_argument(
        "--run", env_var="SHAREHUB_LOAD_RUN", default=secrets.token_hex(4),
        help="name of this run: part of its users' identities, and of the shared listing's",
    )  # fmt: skip
    parser.add_argument(
        "--pace", env_var="SHAREHUB_LOAD_PACE", type=float, default=1.0,
        help="all thinking times are multiplied by it",
    )  # fmt: skip
    parser.add_argument(
        "--steady", env_var="SHAREHUB_LOAD_STEADY", type=float, default=0.0,
        help="headless: end so many seconds after all users have settled in (0: see --run-time)",
    )  # fmt: skip
    parser.add_argument(
        "--figures", env_var="SHAREHUB_LOAD_FIGURES", default="", include_in_web_ui=False,
        help="write counts, percentiles and failures there as JSON, at the end",
    )  # fmt: skip


def prepare(environment: Any, **_: Any) -> None:
    place = environment.place = Place(environment)
    environment.steady = Steady(environment, place)


def begin(environment: Any, **_: Any) -> None:
    environment.place.meter.ending = False
    environment.place.ready.clear()


def end(environment: Any, **_: Any) -> None:
    environment.place.meter.ending = True


events.init_command_line_parser.add_listener(arguments)
events.init.add_listener(prepare)
events.test_start.add_listener(begin)
events.test_stopping.add_listener(end)
