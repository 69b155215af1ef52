"""What happens on a server, one line of JSON each, for whoever runs it: names of events, numbers, no content of users'."""

from __future__ import annotations

import json
import logging
import sys
import time

logger = logging.getLogger("vae.events")


def event(name: str, **facts: str | int | float | bool | None) -> None:
    """Tell that something happened. facts: counts, durations and kinds; never a text that a user typed."""
    logger.info(json.dumps({"at": round(time.time(), 3), "event": name, **facts}))


def to_stderr() -> None:
    """Write events as lines of their own; until this is called nobody hears them."""
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
