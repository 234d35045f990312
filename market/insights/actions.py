"""Doing it: nothing may be asked of insights but to be read."""

from __future__ import annotations

from infra.action import table

ACTIONS = table()
