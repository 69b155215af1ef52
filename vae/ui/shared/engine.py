"""The process's engine, started and warmed in the background as the server starts."""

from __future__ import annotations

import gc
import importlib
import threading

from vae.engine import Engine, shared_engine
from vae.ui.shared.owner import is_present


class EngineStart:
    """Holds the engine once it is up."""

    def __init__(self):
        self.engine: Engine | None = None
        self.problem = ""
        threading.Thread(target=self._start, name="vae-engine-start", daemon=True).start()

    def _start(self) -> None:
        try:
            importlib.import_module(
                "pandas"
            )  # which Streamlit needs for the first figure; on another core than the workers'
            self.engine = shared_engine(is_present)
            self.engine.warm()
            self.engine.warm_maps()
        except Exception as reason:
            self.problem = f"The workers could not be started: {reason}"
        # Streamlit collects garbage after every script run: 0.14 s each time over torch's modules, unless they are frozen.
        gc.collect()
        gc.freeze()


_starting = threading.Lock()
_starter: EngineStart | None = None


def starter() -> EngineStart:
    global _starter
    with _starting:
        _starter = _starter or EngineStart()
        return _starter


def engine() -> Engine | None:
    """The engine, or None while it is still starting (the first seconds after the app was started)."""
    return starter().engine
