"""Where a run stands, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from vae.engine.job import Status
from vae.engine.run import View
from vae.training.config import FORMULA, TrainConfig
from vae.training.race import paired

COLLAPSED = 0.1  # nats per image: a code whose KL is less says next to nothing


def loss_name(config: TrainConfig) -> str:
    if config.loss == FORMULA:
        return f"the formula {config.formula}"
    values = ", ".join(f"{name} = {value:g}" for name, value in config.loss_parameters().items())
    return config.loss_record().name + (f" ({values})" if values else "")


def duration(seconds: float) -> str:
    """12 -> "12 s", 90 -> "1 min 30 s", 4000 -> "1 h 7 min"."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def status(config: TrainConfig, view: View) -> str:
    """One sentence on where the run stands."""
    at = f"step {view.step:,} of {view.total_steps:,} (epoch {view.epoch:.1f} of {config.epochs})"
    training = f"Training on {config.dataset} with {loss_name(config)}: {at}"
    if view.status is Status.QUEUED:
        return f"Waiting for a worker, at {at}."
    if view.status is Status.RUNNING:
        pace = f", {view.images_per_second:,.0f} images a second" if view.images_per_second else ""
        note = f" {view.message}" if view.message else ""
        return f"{training}{pace}.{note}"
    if view.status is Status.PAUSED and view.parked:
        return f"Parked at {at}, because nobody was looking. It goes on by itself."
    if view.status is Status.PAUSED and not view.step:
        return "Ready: the pictures show the untrained network. Press Start."
    if view.status is Status.FAILED:
        return view.message
    return f"{view.status.value.capitalize()} at {at}{_figures_from(view)}."


def collapse(name: str, view: View) -> str:
    """That this run's code says next to nothing; "" where it does, or where it may still come to it."""
    late = view.status.ended or 2 * view.step > view.total_steps
    if not (late and view.step and view.observations) or not (kl := view.observations[-1].kl) < COLLAPSED:  # nor NaN
        return ""
    return (
        f"{name}: the code has collapsed. Its KL is {kl:.2g} nats per image, so z says next to nothing of x, and every picture is "
        "nearly the mean image. A smaller β, or a reconstruction that weighs more, brings it back."
    )


def _figures_from(view: View) -> str:
    """Where the held-out figures are older than what stands on the page."""
    figures = view.observations[-1].step if view.observations else view.step
    return "" if figures == view.step else f"; held-out figures after step {figures:,}"


def race_status(configs: Sequence[TrainConfig], views: Sequence[View]) -> str:
    """One sentence on where a race stands; on its run, where it is one alone."""
    going = next((i for i, view in enumerate(views) if view.status.active), 0)
    if len(views) == 1:
        return status(configs[0], views[0])
    view, config = views[going], configs[going]
    if view.status is Status.RUNNING:
        under_way = sum(v.status.active for v in views)
        count = f"{len(views)} runs" if under_way == len(views) else f"{under_way} of {len(views)} runs"
        return (
            f"{count} in step on {config.dataset}, with {paired(tuple(configs))}: step {view.step:,} of "
            f"{view.total_steps:,} (epoch {view.epoch:.1f} of {config.epochs})."
        )
    if view.status is Status.PAUSED and not view.step:
        return f"Ready: {len(views)} untrained networks, with {paired(tuple(configs))}. Press Start."
    return status(config, view)


def sharing(people: int, workers: int) -> str:
    """How many share the workers, where that makes each of them slower; begins with a dot."""
    if people <= workers:
        return ""
    return f" · {people} people share {workers} worker{'s' * (workers > 1)}, so each has {workers / people:.0%} of one"


def spoken(config: TrainConfig, view: View) -> str:
    """The status for a screen reader: changes with the state and each tenth of the way, not with every refresh."""
    if view.status is not Status.RUNNING:
        return status(config, view)
    return f"Training, {10 * int(10 * view.step / view.total_steps)} percent done."
