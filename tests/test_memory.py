"""What was needed once is given back; a class that has left is looked for in tests/load."""

import sys
from threading import Thread

import psutil
import pytest

from vae.ui.shared.memory import trim


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
def test_what_many_threads_needed_and_freed_goes_back_to_the_system():
    kept = []

    def need():
        needed = [bytes(9_000) for _ in range(4_000)]  # 36 MB, of which every fiftieth part stays in use
        kept.append(needed[::50])

    threads = [Thread(target=need) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = psutil.Process().memory_info().rss
    trim()
    assert psutil.Process().memory_info().rss < held - 20e6
