"""Server time of the Loss surfaces page, from a moved slider or number to the figures sent: printed, never asserted.

python benchmarks/surfaces.py. The script runs as Streamlit runs it, without a browser.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from itertools import product
from pathlib import Path

from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
MOVES = 20


def page() -> None:
    """What streamlit_app.py shows under /surfaces, without the navigation and the engine."""
    import runpy
    from pathlib import Path

    import vae.ui.shared.shell
    import vae.ui.surfaces.parts

    vae.ui.shared.shell.headline = lambda *_: None
    vae.ui.surfaces.parts.engine = lambda: None  # workers cannot be spawned from here, and would disturb the clock
    runpy.run_path(str(Path(vae.ui.shared.shell.__file__).parents[2] / "pages" / "surfaces.py"))


def measure(moved: str = "p", low: float = 0.3, **query: str) -> None:
    """Moves of one slider or number, each to a value it has not had."""
    app = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    times = []
    for move in range(MOVES):
        next(w for w in (*app.slider, *app.number_input) if w.key == f"surface.{moved}").set_value(low + move / 100)
        started = time.perf_counter()
        app.run()
        times.append(1000 * (time.perf_counter() - started))
    assert not app.exception, app.exception
    print(f"{statistics.median(times):5.0f} {max(times):5.0f}  {moved:14} {' '.join(query.values())}", flush=True)


def main() -> None:
    AppTest.from_function(page, default_timeout=60).run()
    gc.collect()
    gc.freeze()  # as the app does: Streamlit collects garbage after every run
    print("milliseconds of server time, median and worst of", MOVES, "moves")
    many = "bce,mse,continuous_bernoulli,laplace"
    for losses, view in product(("bce,mse", many), ("value", "asymmetry")):
        for form in ("surface", "map", "section"):
            measure(losses=losses, view=view, form=form)
    for part in ("descent", "image", "patch"):
        measure(losses=many, view="value", part=part)
    measure("x", losses=many, view="curvature", form="section")
    for view, form in (("value", "surface"), ("value", "map"), ("asymmetry", "surface")):
        measure("gaussian.sigma", losses="gaussian,laplace,logcosh,formula", view=view, form=form, part="image")
    measure("target", 0.5, losses=many, view="value", part="descent")


if __name__ == "__main__":
    main()
