"""Which tests run in the same process, when there are several."""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

_POSTGRES = re.compile(r"[\[-]postgres[\]-]")
_OBJECT_STORE = re.compile(r"[\[-](moto|ceph)[\]-]")


class ByFileAndEngine(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a file's tests of one engine to one process.

    All that need an object store stay together, so that it is started once.
    """

    def _split_scope(self, nodeid: str) -> str:
        if _OBJECT_STORE.search(nodeid):
            return "object store"
        engine = "postgres" if _POSTGRES.search(nodeid) else "sqlite"
        return f"{nodeid.partition('::')[0]} {engine}"
