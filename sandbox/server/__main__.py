"""Starts the sandbox, or only makes its keys.

python -m sandbox.server --port 9100 --run-dir DIR [--faults 0.05] [--seed 7] [--time-factor 0.02]
    [--rule onboarding=hold] [--rule fee_bp=60] [--push-url http://127.0.0.1:8080/v1/wechat/events]
python -m sandbox.server --run-dir DIR --keys-only
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.server.app import make_app
from sandbox.server.keys import ensure
from sandbox.server.rules import BadRules, Rules


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.server", description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True, help="keys, sandbox.json, sqlite")
    parser.add_argument("--keys-only", action="store_true", help="make the files, and stop")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int)
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail, 0..1")
    parser.add_argument("--seed", type=int, default=0, help="of the fault generator")
    parser.add_argument(
        "--time-factor", type=float, default=0.02, help="WeChat's waits are multiplied by it"
    )
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="see sandbox/server/rules.py",
    )
    parser.add_argument(
        "--push-url", default="", help="where events are told, as set in the console"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    if options.keys_only:
        ensure(options.run_dir)
        return
    if options.port is None:
        parser.error("--port is needed, unless --keys-only")
    if not 0 <= options.faults <= 1 or options.time_factor <= 0:
        parser.error("--faults is between 0 and 1, --time-factor above 0")
    try:
        rules = Rules().bent(dict(map(_rule, options.rule)))
    except BadRules as problem:
        parser.error(str(problem))
    app = make_app(
        options.run_dir,
        fault_rate=options.faults,
        seed=options.seed,
        time_factor=options.time_factor,
        rules=rules,
        push_url=options.push_url,
    )
    web.run_app(
        app,
        host=options.host,
        port=options.port,
        access_log=None,
        shutdown_timeout=1.0,
        print=lambda *_: print(f"sandbox on http://{options.host}:{options.port}", flush=True),
    )


def _rule(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    main()
