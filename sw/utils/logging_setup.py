# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Logging to stderr: warnings always; with the option -v what the driver sends, which tools run, and what comes from a cache."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = "firebrick"
"""The parent of all loggers of this package: modules use ``logging.getLogger(__name__)``."""


class _StderrHandler(logging.Handler):
    """Writes to what ``sys.stderr`` is at that moment: while a progress bar is shown, rich replaces it and prints lines above the bar."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)


@contextmanager
def logging_to_stderr(verbosity: int) -> Iterator[None]:
    """Log to stderr within the context: warnings alone at verbosity 0, INFO at 1, DEBUG from 2 on. stdout stays free for results."""
    logger = logging.getLogger(LOGGER)
    handler = _StderrHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s" if verbosity else "Warning: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
