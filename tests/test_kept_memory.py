"""What a step frees stays with the process, where the C library can be told so."""

import ctypes
import subprocess
import sys

import pytest

from vae.training.memory import ITS_OWN, keep_freed

# Page faults of taking and freeing 16 MB twenty times, in a process of its own: 4,096 pages each time, or the first time.
FAULTS = """
import resource, sys, torch
from vae.training.memory import keep_freed
torch.set_num_threads(1)
if sys.argv[1] == "kept":
    assert keep_freed()
def work():
    held = [torch.ones(1 << 18) for _ in range(16)]
for _ in range(3):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    settings = {"MALLOC_MMAP_THRESHOLD_": "131072"}  # else the system's own would grow by itself, on some days
    done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, env=settings, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has no mallopt()")
def test_pages_that_a_step_freed_are_there_for_the_next_one():
    assert faults("as it is") > 20_000 and faults("kept") < 1_000


def test_settings_of_the_environment_are_left_alone(monkeypatch):
    monkeypatch.setenv(ITS_OWN, "131072")
    assert not keep_freed()


# Where a training takes blocks of 64 MiB until its worker's memory is full, whatever is left over then.
FULL = """
import psutil, resource, torch
from vae.training.memory import keep_freed
assert keep_freed()
for over in range(0, 64, 8):
    room = psutil.Process().memory_info().data + (128 + 4 + over) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (room, resource.RLIM_INFINITY))
    held = []
    try:
        while True:
            held.append(torch.empty(1 << 24))
    except RuntimeError:
        assert len(held) >= 1
        messages = [bytearray(1 << 20) for _ in range(2)]
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    del held, messages
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has no mallopt()")
def test_a_worker_whose_memory_a_training_has_filled_can_still_say_so():
    subprocess.run([sys.executable, "-c", FULL], check=True)


WITHOUT = """
import sys
from vae.training.memory import not_found
with not_found("pandas"):
    import sklearn.utils
assert "pandas" not in sys.modules
import pandas
with not_found("pandas"):
    import pandas as again
assert again is pandas
"""


def test_what_is_not_found_for_a_while_is_there_for_whoever_asks_later():
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


WARM = """
import sys
from vae.engine import tasks
tasks.warm_unfolding()
assert "sklearn" in sys.modules and "pandas" not in sys.modules
"""


def test_a_worker_is_ready_for_a_map_without_pandas():
    """scikit-learn imports it wherever it is."""
    subprocess.run([sys.executable, "-c", WARM], check=True)
