"""./dev and its commands, as far as they go without a running product."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from devkit.__main__ import COMMANDS, main
from devkit.programs import purposes
from devkit.run import AlreadyRuns, preferred_ports, stop_on_signals, take_lock


def test_a_second_run_in_one_checkout_is_refused(tmp_path: Path) -> None:
    with take_lock(tmp_path / "lock"), pytest.raises(AlreadyRuns):
        take_lock(tmp_path / "lock")
    take_lock(tmp_path / "lock").close()


def test_the_ports_people_get_used_to() -> None:
    assert preferred_ports(8080, 2) == {
        "api": 8080,
        "hub-1": 8081,
        "hub-2": 8082,
        "sandbox": 8090,
        "workers": 8091,
        "phone": 8092,
    }


def test_the_first_signal_stops_and_later_ones_do_not_disturb_the_stopping() -> None:
    usual = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        with pytest.raises(KeyboardInterrupt), stop_on_signals():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main([command, "--help"])
    except SystemExit as end:  # argparse
        code = int(end.code or 0)
    assert code == 0
    assert f"./dev {command}" in capsys.readouterr().out


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rnu"]) == 2
    assert "'rnu'" in capsys.readouterr().err


def test_programs_are_listed_without_being_imported(tmp_path: Path) -> None:
    (tmp_path / "hub_fanout.py").write_text('"""Fast?\n\nMore."""\n1 / 0\ndef main(a): ...\n')
    (tmp_path / "shared.py").write_text('"""No main here."""\n')
    assert purposes(tmp_path) == {"hub-fanout": "Fast?"}
