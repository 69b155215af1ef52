"""A report of runs: one HTML file that holds all it shows and asks nobody for anything.

report_of([ReportRun(...), ...]) -> str. Settings, curves, pictures, figures of the whole test set, tables, verdicts, and
the script that repeats each run. It opens without a network, on paper and on a phone; Plotly, for the curves, is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from vae.errors import VaeError
from vae.export.report.curves import Lines, csv_of, figure_of
from vae.export.report.markup import Html, download, escaped, join, tag
from vae.export.report.run import ReportRun, Table
from vae.export.report.sections import evaluations, given_table, pictures, scripts, settings, sources, versions
from vae.figures import plot
from vae.language import ENGLISH, translate, translate_html

__all__ = ["ReportRun", "Table", "report_of"]

# Nothing may be fetched, whatever the page holds: the browser itself is told so.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def report_of(
    runs: Sequence[ReportRun],
    *,
    title: str = "VAE Loss Lab: report",
    tables: Sequence[Table] = (),
    verdicts: Sequence[str] = (),
    lines: Lines = MappingProxyType({}),
    written: datetime | None = None,
    language: str = ENGLISH,
) -> str:
    """The report as HTML, about 5 MB, most of it Plotly.

    tables: scores and the like. verdicts: sentences on what was seen. lines: by kind of curve, (key, label, value) drawn
    across, see figures.curves. written: the date it bears, now by default. language: its scripts stay English. VaeError where there is no run.
    """
    if not runs:
        raise VaeError("A report needs a run: train one, then take it away.")
    written = written or datetime.now().astimezone()
    parts = {
        "What was seen": tag("ul", *(tag("li", verdict) for verdict in verdicts)) if verdicts else None,
        "Settings": settings(runs),
        "Curves": join((_about_curves(runs), figure_of(runs, lines, language), _curves_to_save(runs))),
        "Pictures": pictures(runs),
        "Whole test set": evaluations(runs),
        **{table.title: given_table(table) for table in tables},
        "The runs as PyTorch scripts": scripts(runs),
        "Sources": sources(runs),
    }
    shown = [tag("section", tag("h2", name), content) for name, content in parts.items() if content]
    when = tag("p", f"{written:%d %B %Y, %H:%M %Z} · ", versions(runs), class_="quiet")
    body = join((tag("header", tag("h1", title), when), tag("main", *shown)))
    return _page(translate(title, language), Html(translate_html(body, language)), language)


def _page(title: str, body: Html, language: str) -> str:
    merged = Path(plot.__file__).with_name("merged.js").read_text(encoding="utf-8")
    own = {name: (Path(__file__).with_name(name)).read_text(encoding="utf-8") for name in ("page.css", "page.js")}
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{own['page.css']}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{_plotly()}</script>\n<script>\n{merged}{own['page.js']}</script>\n</body>\n</html>\n"
    )


@lru_cache(maxsize=1)
def _plotly() -> str:
    return (resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _about_curves(runs: Sequence[ReportRun]) -> Html:
    told = "Nats per image, lower is better; thin: in training, thick: on held-out images."
    if len({(run.config.loss, run.config.parameters, run.config.formula) for run in runs}) > 1:
        told += " Reconstructions under different losses are on different scales: compare them by the squared error."
    if any(run.forks for run in runs):
        told += " Upright lines: where the settings were changed."
    return tag("p", told)


def _curves_to_save(runs: Sequence[ReportRun]) -> Html:
    links = [download(run.name, f"curve-{i}.csv", csv_of(run), "text/csv") for i, run in enumerate(runs, 1)]
    return tag("p", "Every step as CSV: ", join(links, " · "), class_="quiet")
