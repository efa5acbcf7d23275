"""schemathesis on the API's own document, over real HTTP, with all of its checks.

More of it, boundary cases included, about 30,000 in a few minutes:
``MOORAGE_TEST_EXAMPLES=40 pytest tests/properties/test_openapi.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from in_process.documented import closed
from live.estate import Estate
from live.explored import make_everything
from live.server import MoorageServer

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
PROGRAM = Path(sys.executable).parent / "schemathesis"
EXAMPLES = os.environ.get("MOORAGE_TEST_EXAMPLES")
PHASES = "fuzzing" if EXAMPLES is None else "coverage,fuzzing,stateful"
SEED = "20240229"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MoorageServer]:
    made = MoorageServer(tmp_path, settings={"MOORAGE_WORKERS": "1"})
    made.start()
    yield made
    made.stop()


@pytest.mark.timeout(1800)
def test_nothing_is_answered_that_the_document_does_not_tell(
    server: MoorageServer, tmp_path: Path
) -> None:
    estate = Estate(server)
    known = make_everything(estate)
    document = estate.api.get("/openapi.json").json()
    document["components"]["schemas"] = closed(document["components"]["schemas"])
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    estate.close()
    url = f"{server.url}/api/v4"
    found = subprocess.run(
        [
            *(PROGRAM, "--config-file", FOLDER / "schemathesis.toml", "run"),
            *(tmp_path / "openapi.json", "--url", url, "--seed", SEED),
            *("--phases", PHASES, "--max-examples", EXAMPLES or "4"),
            *("--suppress-health-check", "all", "--continue-on-failure"),
            *("--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(FOLDER.parent),
            "SCHEMATHESIS_HOOKS": "properties.openapi_hooks",
            "EXPLORED_URL": url,
            "EXPLORED_IDS": json.dumps(known),
            "EXPLORER_TOKEN": server.root_token,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    assert "Traceback" not in server.log_tail(1000)
