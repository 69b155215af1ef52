"""For what happens on other threads and processes."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 90.0) -> None:
    """Return once the condition holds; fail where it does not in so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
