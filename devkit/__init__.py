"""What `./dev` runs: private servers, the product's processes, demo data, checks. Never imported by the product."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

RUN = ROOT / ".run"
"""Everything that ./dev leaves behind, apart from .venv."""
