"""A race and the settings as they are now: whether it has others, and whether it can go on under them."""

from __future__ import annotations

from vae.engine.job import Status
from vae.engine.race import Race
from vae.engine.run import Run, check_fork
from vae.errors import SettingError
from vae.training.config import TrainConfig
from vae.training.race import RaceConfig


def is_fresh(race: Race) -> bool:
    """Whether it has taken no step yet, and is not about to."""
    return race.status is Status.PAUSED and all(v.step == 0 and not v.parked for v in race.views())


def is_for_other_settings(race: Race, race_config: RaceConfig | None) -> bool:
    return race_config is not None and race.configs != race_config.columns()


def changed(race: Race, race_config: RaceConfig) -> list[tuple[Run, TrainConfig]]:
    """The columns whose settings are others now, with those."""
    return [(run, new) for run, new in zip(race.runs, race_config.columns()) if run.config != new]


def obstacle(race: Race, race_config: RaceConfig | None) -> str:
    """Why the race cannot go on under the settings as they are now, with the weights that it has; "" if it can.

    What ended because its epochs were done goes on, where there are more epochs now; what was stopped does not.
    """
    if race_config is None:
        return "the settings cannot be used."
    if race.status is Status.STOPPED:
        return "it was stopped."
    if len(race_config.columns()) != len(race.runs):
        return "it has other columns."
    try:
        for run, config in changed(race, race_config):
            check_fork(run.config, config, run.view().step)
            if run.view().step != race.step_reached:
                return "its columns stand at different steps."
    except SettingError as reason:
        return str(reason)
    return ""
