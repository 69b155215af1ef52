"""What was needed once is given back; a class that has left is looked for in tests/load."""

import sys
import weakref
from threading import Thread
from types import SimpleNamespace

import psutil
import pytest
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.runtime import Runtime
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from vae.training.memory import trim
from vae.ui.shared import memory, owner


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


def test_a_session_that_is_away_for_too_long_is_let_go_though_nobody_comes(monkeypatch):
    """By names of Streamlit's own: one that it changes fails here, and not on a server in the middle of a class."""
    assert {"_session_mgr"} <= set(Runtime.__init__.__code__.co_names)
    clock = [0.0]
    storage = MemorySessionStorage(ttl_seconds=120)
    storage._cache._timer = lambda: clock[0]
    manager = WebsocketSessionManager(storage, MemoryUploadedFileManager("/upload"), ScriptCache(), None)
    runtime = SimpleNamespace(_session_mgr=manager, is_active_session=lambda session: clock[0] < 100)
    for module in (memory, owner):
        monkeypatch.setattr(module, "get_instance", lambda: runtime)
    monkeypatch.setattr(owner, "_sessions", {"somebody": {"one"}})

    class Session(SimpleNamespace):
        """One that can be asked whether anybody holds it."""

    gone = Session(session=SimpleNamespace(id="one"))
    storage.save(gone)
    held = weakref.ref(gone)
    del gone
    memory.let_go_of_sessions()
    assert owner._sessions == {"somebody": {"one"}}
    clock[0] = 119.0
    memory.let_go_of_sessions()
    assert held() is not None and not owner._sessions
    clock[0] = 121.0
    memory.let_go_of_sessions()
    assert held() is None
