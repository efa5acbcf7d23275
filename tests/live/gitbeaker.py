"""gitbeaker, unmodified, in a node process that calls its methods for a test."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from live.programs import PATH

_FOLDER = Path(__file__).parent.parent / "clients" / "gitbeaker"


class GitbeakerError(Exception):
    """A method of gitbeaker threw; ``status`` is that of the answer, if one came."""

    def __init__(self, name: str, description: str, status: int | None) -> None:
        super().__init__(f"{name}: {description} ({status})")
        self.status = status


class Gitbeaker:
    """Calls gitbeaker's methods with one kind of credentials."""

    def __init__(self, node: Node, url: str, **credentials: str) -> None:
        self._node = node
        self._url = url
        self._credentials = credentials

    def __call__(self, method: str, *arguments: Any) -> Any:
        """Call a method such as ``Projects.show``.

        Raises:
            GitbeakerError: It threw.
        """
        return self._node.ask(
            {
                "url": self._url,
                "credentials": self._credentials,
                "method": method,
                "arguments": arguments,
            }
        )


class Node:
    """The process; one for all clients, which it tells apart by their credentials."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", _FOLDER / "driver.mjs"],
            cwd=_FOLDER,
            env={"PATH": PATH},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: dict[str, Any]) -> Any:
        """Have one method called."""
        asking, answering = self._process.stdin, self._process.stdout
        assert asking is not None
        assert answering is not None
        asking.write(json.dumps(question) + "\n")
        asking.flush()
        answer = json.loads(answering.readline())
        if "error" in answer:
            raise GitbeakerError(**answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End the process, which reads its input to the end."""
        self._process.communicate(timeout=30)
