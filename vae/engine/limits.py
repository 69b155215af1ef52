"""What one owner and the whole server may have under way, so that a class shares what there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vae.errors import VaeError
from vae.study.sweep.grid import STATES_HELD, state_bytes
from vae.training.config import TrainConfig, operations_of_step


class LimitError(VaeError):
    """A limit is reached; the message says which, and what helps."""


@dataclass(frozen=True)
class Limits:
    """Numbers that a class of a hundred on two cores lives with. operations: multiply-adds of one step, about a second of
    a worker, as no chunk is shorter than a step. bytes_of_run: on a worker, estimated before it starts."""

    runs_of_owner: int = 8  # under way: two races of four, or one and a patient of the zoo
    maps_of_owner: int = 2
    runs_in_all: int = 400
    operations: float = 2.5e10
    bytes_of_run: float = 1.5e9
    own_sets: int = 4  # of pictures that one owner brought
    own_bytes_in_all: float = 256e6  # once here, and once on each worker

    def check_configs(self, configs: Sequence[TrainConfig]) -> None:
        """LimitError where one of the trainings is too large for a server that others share."""
        for config in configs:
            if (needed := operations_of_step(config)) > self.operations:
                raise LimitError(
                    f"One step of this training takes {needed / 1e9:,.1f} billion multiply-adds, and at most "
                    f"{self.operations / 1e9:,.0f} billion are accepted here, so that others have their turn: a smaller "
                    "batch, narrower layers or smaller images need less."
                )
            if (needed := run_bytes(config)) > self.bytes_of_run:
                raise LimitError(
                    f"This training needs about {needed / 1e9:.1f} GB of memory, and at most "
                    f"{self.bytes_of_run / 1e9:.1f} GB are accepted here: a smaller batch, narrower layers or fewer "
                    "samples need less."
                )

    def check_runs(self, of_owner: int, in_all: int, more: int) -> None:
        """LimitError where so many more runs under way are too many."""
        if of_owner + more > self.runs_of_owner:
            raise LimitError(
                f"{of_owner} runs of yours are under way, and {self.runs_of_owner} at a time are accepted: pause or stop "
                "one first."
            )
        if in_all + more > self.runs_in_all:
            raise LimitError(
                f"{in_all} runs are under way on this server, and {self.runs_in_all} are accepted: try again in a while."
            )

    def check_maps(self, of_owner: int, in_all: int, more: int) -> None:
        """The same for t-SNEs."""
        if of_owner + more > self.maps_of_owner:
            raise LimitError(
                f"{of_owner} maps of yours are unfolding, and {self.maps_of_owner} at a time are accepted: stop one first."
            )

    def check_own_images(self, of_owner: int, bytes_in_all: int) -> None:
        """LimitError where an owner of so many sets of pictures may not bring another one, with which all take so much."""
        if of_owner >= self.own_sets:
            raise LimitError(
                f"{of_owner} sets of your own images are here, and {self.own_sets} are kept: let one go first."
            )
        if bytes_in_all > self.own_bytes_in_all:
            raise LimitError(
                f"Own images may take {self.own_bytes_in_all / 1e6:,.0f} MB on this server, and others have most of it now: "
                "fewer or smaller pictures need less."
            )


def run_bytes(config: TrainConfig) -> float:
    """Memory of one run on a worker, about."""
    return STATES_HELD * state_bytes(config)
