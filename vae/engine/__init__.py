"""Where work runs: a Dask cluster (cluster.py), what its workers execute (tasks.py), and a job of many chunks (run.py)."""

from vae.engine.cluster import Engine, shared_engine
from vae.engine.run import Run, Status, View

__all__ = ["Engine", "Run", "Status", "View", "shared_engine"]
