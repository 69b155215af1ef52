"""Where work runs: a Dask cluster (cluster.py), what its workers execute (tasks.py), and jobs of many chunks (job.py):
a training run (run.py), runs side by side in step (race.py, pace.py), a t-SNE (tsne_run.py), and a sweep
(sweep.py; headless.py runs one without the app). What pages ask once for all is in answers.py."""

from vae.engine.answers import Answer
from vae.engine.cluster import Engine, shared_engine
from vae.engine.job import Job, Status
from vae.engine.limits import LimitError, Limits
from vae.engine.race import Race
from vae.engine.run import Run, View
from vae.engine.sweep import Sweep, SweepView, UnderWay
from vae.engine.tsne_run import TSNE, TSNEView

__all__ = [
    "Answer",
    "Engine",
    "Job",
    "LimitError",
    "Limits",
    "Race",
    "Run",
    "Status",
    "Sweep",
    "SweepView",
    "UnderWay",
    "TSNE",
    "TSNEView",
    "View",
    "shared_engine",
]
