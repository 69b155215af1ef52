"""A file that is made when its button is pressed is there until the browser has fetched it, however many pages refresh."""

from functools import partial
from types import SimpleNamespace

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from vae.ui.shared import downloads


@pytest.fixture
def manager(monkeypatch):
    """Streamlit's own, as in a server."""
    manager = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(downloads, "exists", lambda: True)
    monkeypatch.setattr(downloads, "get_instance", lambda: SimpleNamespace(media_file_mgr=manager))
    monkeypatch.setattr(downloads, "_made_at", {})
    return manager


def pressed(manager, data, name="a.csv") -> str:
    """What a browser then asks for."""
    placeholder = manager.add_deferred(partial(downloads._made, data, name, "text/csv"), "text/csv", "1.2", name)
    return manager.execute_deferred(placeholder).removeprefix("/media/").partition(".")[0]


def scripts_end(manager, times=5) -> None:
    for _ in range(times):
        manager.remove_orphaned_files()


def test_it_outlasts_the_scripts_of_others_and_is_let_go_in_the_end(manager, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(downloads.time, "monotonic", lambda: clock[0])
    files = [pressed(manager, lambda text=text: text) for text in ("one", "two")]
    scripts_end(manager)
    assert [manager.read_file(file).content for file in files] == [b"one", b"two"]
    clock[0] += downloads.KEPT_SECONDS + 1
    last = pressed(manager, lambda: b"three")
    downloads.let_go()
    scripts_end(manager)
    assert [manager.read_file(file) for file in files] == [None, None]
    assert manager.read_file(last).content == b"three"


def test_places_are_used_again(manager, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(downloads.time, "monotonic", lambda: clock[0])
    for turn in range(20):
        clock[0] += 2 * downloads.KEPT_SECONDS
        downloads.let_go()
        pressed(manager, lambda turn=turn: str(turn))
    assert len(downloads._made_at) == 1
