"""The unit, read by systemd's own tool."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from live.programs import run

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "moorage.service"

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    # The program has to be where the unit says.
    here = Path(sys.executable).with_name("moorage")
    text = UNIT.read_text("utf-8").replace("/opt/moorage/bin/moorage", str(here))
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    run("systemd-analyze", "verify", "--man=no", unit)


def test_systemd_calls_the_unit_well_protected() -> None:
    said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", UNIT)
    assert re.search(r"exposure level for moorage.service: [01]\.\d OK", said)
