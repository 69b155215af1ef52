"""How the server stands and what is under way on it, for the lecturer: one button stops a run."""

from __future__ import annotations

import hashlib
import html
from collections import Counter
from collections.abc import Sequence

import psutil
import streamlit as st

from vae.engine import TSNE, Engine, Race, Run, Status, Sweep, sentences
from vae.events import event
from vae.ui.shared import words
from vae.ui.shared.engine import starter
from vae.ui.shared.owner import owner
from vae.ui.shared.refresh import SELDOM, governor, refreshing
from vae.ui.shared.server import figures
from vae.ui.train.live import start_up_notice

MOST_SHOWN = 40  # jobs; those of the owners who have most of them come first
MB = 2**20


def show() -> None:
    st.html(STYLE)
    engine = starter().engine
    if engine is None:
        start_up_notice(starter())
        return
    refreshing(_figures, SELDOM)
    st.toggle(
        "Drain: start nothing new", value=engine.draining, key="server-drain", on_change=_drain, args=(engine,),
        help="What is under way goes on; whoever presses Start reads that the server is about to be stopped.",
    )  # fmt: skip
    refreshing(_jobs, SELDOM, engine)


def _drain(engine: Engine) -> None:
    """From a callback."""
    engine.drain(st.session_state["server-drain"])


def _figures() -> None:
    found = figures()
    own = psutil.Process().memory_info().rss / MB
    told = {
        "works": "yes" if found["ok"] else "drains" if found["draining"] else "no",
        "sessions": found["sessions"],
        "looking at something that moves": governor.watchers,
        "under way": f"{found['active']} of {found['jobs']}",
        "waiting for a turn": found["waiting"],
        "workers": found["workers"],
        "MB of the workers": f"{found['worker_memory'] / MB:,.0f}",
        "MB of this process": f"{own:,.0f}",
        "tasks": found["tasks"],
    }
    cells = "".join(f"<div><b>{html.escape(str(value))}</b> {name}</div>" for name, value in told.items())
    st.html(f"<div class='vae-server' role='status'>{cells}</div>")


def _jobs(engine: Engine) -> None:
    going = [job for job in engine.jobs() if job.status.active]
    of_owner = Counter(job.owner for job in going)
    going.sort(key=lambda job: (-of_owner[job.owner], job.owner))
    if not going:
        st.caption("Nothing is under way.")
    for job in going[:MOST_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"server-job-{job.id}"):
            st.button(
                "Stop", key=f"server-stop-{job.id}", icon=":material/stop:", on_click=_stop, args=(engine, job),
                help="Ends it for good; what it has reached stays on its owner's page.",
            )  # fmt: skip
            st.markdown(words.plain(f"{who(job.owner)}: {_told(job)}"))
    if len(going) > MOST_SHOWN:
        st.caption(f"and {len(going) - MOST_SHOWN} more")


def _stop(engine: Engine, job: Run | Sweep | TSNE) -> None:
    """From a callback. A race ends as one."""
    together: Sequence = Race.of(job).runs if isinstance(job, Run) else [job]
    for one in together:
        one.stop()
    event("job.stopped", by="lecturer")


def who(name: str) -> str:
    """A browser, so that two can be told apart and none can be taken for another's."""
    return "you" if name.partition(":")[0] == owner() else f"visitor {hashlib.sha256(name.encode()).hexdigest()[:4]}"


def _told(job: Run | Sweep | TSNE) -> str:
    if isinstance(job, Run):
        return sentences.status(job.config, job.view())
    if isinstance(job, Sweep):
        return f"a sweep, {len(job.view().results)} of {job.view().total} trainings done"
    return "a t-SNE unfolds" if job.status is Status.RUNNING else "a t-SNE waits"


STYLE = """
<style>
.vae-server { display: flex; flex-wrap: wrap; gap: .4rem 2rem; font-variant-numeric: tabular-nums; }
.vae-server b { font-size: 1.4rem; }
</style>
"""
