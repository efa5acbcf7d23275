"""Benchmarks: Moorage beside other registries and the machine's own limits."""

import sys
from pathlib import Path

# The private PostgreSQL and S3 servers, and lists of a million tags, are the tests'.
sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
