"""The Latent page: server time from a moved slider to the decoded pictures, and how a t-SNE moves. Printed, never asserted.

python benchmarks/latent.py. The script runs as Streamlit runs it, without a browser.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from vae.engine import Engine
from vae.latent.pca_tsne import EmbeddingConfig, usable
from vae.training.shipped import SHIPPED, load_shipped

MOVES = 50


def page() -> None:
    """What streamlit_app.py shows under /latent, without the navigation and the engine."""
    import runpy
    from pathlib import Path

    import vae.ui.latent.models
    import vae.ui.shared.shell

    vae.ui.shared.shell.headline = lambda *_: None
    vae.ui.latent.models.engine = lambda: None  # workers cannot be spawned from here, and would disturb the clock
    runpy.run_path(str(Path(vae.ui.shared.shell.__file__).parents[2] / "pages" / "latent.py"))


def slider(model: str, beside: str = "") -> None:
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["model"] = model
    if beside:
        app.query_params["beside"] = beside
    app.run()
    assert not app.exception, app.exception
    times = []
    for move in range(MOVES):
        app.slider(key="latent.move.0").set_value(round(-2.5 + 0.1 * move, 2))
        started = time.perf_counter()
        app.run()
        times.append(1000 * (time.perf_counter() - started))
    times.sort()
    print(
        f"{statistics.median(times):5.0f} {times[int(0.95 * MOVES)]:5.0f} {times[-1]:5.0f}  {model} {beside}",
        flush=True,
    )


def unfold(engine: Engine, model: str) -> None:
    codes = load_shipped(model).subset.mu.numpy()
    codes = codes[usable(codes).index]
    unfolding = engine.create_tsne(codes, EmbeddingConfig())
    started = time.perf_counter()
    unfolding.start()
    seen, moves, first = 0, 0, None
    while not unfolding.view().status.ended:
        unfolding.wait_for_news(1.0)
        now = unfolding.view().iteration
        if now > seen:
            seen, moves = now, moves + 1
            first = first or time.perf_counter() - started
    total = time.perf_counter() - started
    print(
        f"{model}: {len(codes):,} codes, first moved layout after {first:.2f} s, {moves / total:.1f} a second, {total:.1f} s in all"
    )


def main() -> None:
    here = [name for name in ("mnist-bce-z2", "mnist-bce-z20", "digits-bce-z8") if SHIPPED[name].path.is_file()]
    engine = Engine(workers=2)  # before any page: AppTest leaves its page as __main__, which workers would run
    try:
        engine.warm()
        for model in here:
            unfold(engine, model)
    finally:
        engine.close()
    AppTest.from_function(page, default_timeout=60).run()
    gc.collect()
    gc.freeze()  # as the app does: Streamlit collects garbage after every run
    print("milliseconds of server time, median, 95th percentile and worst of", MOVES)
    for model in here:
        slider(model)
    if len(here) > 1:
        slider(here[1], here[0])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
