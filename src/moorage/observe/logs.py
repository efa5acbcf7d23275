"""Logs: constant events with fields, one line each, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.types import Processor


def configure_logs() -> None:
    """Write lines for people on a terminal, and JSON elsewhere."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(_for_people() if sys.stderr.isatty() else _for_programs()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _for_people() -> list[Processor]:
    traceback = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(exception_formatter=traceback)]


def _for_programs() -> list[Processor]:
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
