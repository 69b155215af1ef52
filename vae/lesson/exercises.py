"""The exercises: each begins on a page, is checked by the app from what was reached there, and has a solution that was run.

tests/test_lesson.py runs every solution and holds that it passes, and that the beginning and wrong ways do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vae.lesson import checks
from vae.lesson.reached import Judgement, Reached


@dataclass(frozen=True)
class Exercise:
    """page, query: where it begins. solution: in words; solved: the same as the query of a link, where the page's settings
    are all there is to it. answers: what the exercise itself asks to choose from, and right: which of them the solution takes.
    """

    key: str
    title: str
    page: str
    query: Mapping[str, str]
    task: str
    hint: str
    solution: str
    solved: Mapping[str, str]
    check: Callable[[Reached], Judgement] = field(repr=False)
    answers: Mapping[str, str] = field(default_factory=dict)
    right: str = ""


def judge(exercise: Exercise, reached: Reached) -> Judgement:
    """Whether that is what the exercise asks for."""
    if reached.page != exercise.page:
        return Judgement(False, "This is another page than the exercise's: the round arrow leads back to it.")
    return exercise.check(reached)


_SMALL = {"hidden": "128", "batch_size": "64", "epochs": "30"}  # as the Train page writes a link, in its order
_DIGITS = {"dataset": "digits", "hidden": "128", "latent_dim": "8", "batch_size": "64", "epochs": "30"}
_PATCHES = {
    "dataset": "patches", "hidden": "64", "latent_dim": "8", "batch_size": "64", "epochs": "2", "vary": "loss", "against": "mse",
}  # fmt: skip
_SPRITES = {"dataset": "sprites", "hidden": "64", "latent_dim": "4", "epochs": "1"}
_FREE_COPY = "xlogy(x, x) - xlogy(x, p) + xlogy(1 - x, 1 - x) - xlogy(1 - x, 1 - p)"

_RECORDS = (
    Exercise(
        "entropy", "The price of perfection", "surfaces",
        {"losses": "bce,mse", "view": "value", "x": "0.8", "p": "0.9"},
        "Put the cursor on a perfect prediction that costs .673 nats under BCE.",
        "Perfect means p = x. Under BCE it costs the entropy of the pixel, which is the same for x and 1 − x.",
        "x = p = .4, or x = p = .6: the entropy of both is .673 nats.",
        {"losses": "bce,mse", "view": "value", "x": "0.4", "p": "0.4"},
        checks.entropy,
    ),
    Exercise(
        "free-copy", "A loss of your own", "surfaces",
        {"losses": "bce,formula", "view": "value", "x": "0.3", "p": "0.3", "formula": "(x - p)**2"},
        "Write a formula that pulls like BCE everywhere, with the same slope in p, and asks nothing for a perfect prediction.",
        "A term without p has no slope in p. Which one has to be taken off BCE? xlogy(a, b) is a log b, and 0 where a is 0.",
        "BCE less the pixel's entropy, the KL divergence of two coins: " + _FREE_COPY + ".",
        {"losses": "bce,formula", "view": "value", "x": "0.3", "p": "0.3", "formula": _FREE_COPY},
        checks.free_copy,
    ),
    Exercise(
        "one-nat", "A code for one nat", "kl", {"mu": "1", "log_var": "0"},
        "Find a code with mean 0 that costs 1 nat, give or take .03.",
        "With mean 0 only the variance is left: ½ (σ² − 1 − log σ²). There is one below 1, and one above.",
        "log σ² = −3 costs 1.02 nats, log σ² = 1.5 costs .99.",
        {"mu": "0", "log_var": "1.5"},
        checks.one_nat,
    ),
    Exercise(
        "few-dimensions", "Fewer dimensions", "train",
        {"dataset": "digits", "hidden": "128", "latent_dim": "20", "beta": "0.1", "batch_size": "64", "epochs": "30"},
        "With 20 latent dimensions, train to the end so that the KL of at most 12 of them is above .1 nats, and of at least 3.",
        "What makes a nat of code dearer? With β = .1 all 20 are used.",
        "β = 1: the KL of 6 dimensions is above .1 nats.",
        {"dataset": "digits", "hidden": "128", "latent_dim": "20", "batch_size": "64", "epochs": "30"},
        checks.few_dimensions,
    ),
    Exercise(
        "collapse", "Collapse, and its cause", "train", _DIGITS,
        "Train until the epochs are done so that the code collapses, no dimension with a KL above .01 nats, and name the cause.",
        "The KL term has to outweigh the pixels. There is more than one way to say that to the program.",
        "β = 8, and “β is large”; or the mean over pixels in place of the sum, and “a mean over pixels”.",
        _DIGITS | {"beta": "8"},
        checks.collapse,
        answers=checks.CAUSES, right="beta",
    ),
    Exercise(
        "fair-weight", "A fair weight", "train", _PATCHES,
        "On patches of photographs, race BCE against MSE to the end so that MSE has the smaller squared error: turn only its dial.",
        "Open Dial below the pictures. “To the optimum” sets the weight that the present errors ask for; then begin anew.",
        "MSE's dial at β = .05: a squared error of 18.6, against 19.7 under BCE. With weight 1 it was 23.4.",
        _PATCHES | {"dial": "1:0.05"},
        checks.fair_weight,
    ),
    Exercise(
        "floor", "Where BCE is a likelihood", "train", _SPRITES,
        "On sprites, race two treatments of the pixels under BCE and take a step: in one column a perfect copy is to cost nothing, in "
        "the other something.",
        "Below, the data card says what BCE asks for a perfect copy. In a race, Pixels can be what the columns differ in.",
        "A race over the pixels, as they are against a threshold: the floors are 13.3 and 0 nats.",
        _SPRITES | {"vary": "pixels", "against": "binary"},
        checks.floor,
    ),
    Exercise(
        "walk", "From a 3 to an 8", "latent", {"model": "digits-bce-z8", "part": "traverse"},
        "Walk through the latent space from a 3 to an 8.",
        "Choose Walk, then click a 3 in the upper row of images and an 8 in the lower one.",
        "Walk, from image 1, a 3, to image 6, an 8.",
        {"model": "digits-bce-z8", "part": "walk", "image": "1", "other": "6"},
        checks.walk,
    ),
    Exercise(
        "glasses", "Glasses on a face", "latent", {"model": "mnist-bce-z20", "part": "traverse"},
        "Put glasses on a cartoon face that wears none, by arithmetic with codes.",
        "Open a model of cartoon faces, then Arithmetic. The groups can be a known attribute, and the start one image.",
        "A model of cartoon faces, Arithmetic, groups by a known attribute, add glasses, start from image 2.",
        {
            "model": "faces-bce", "part": "arithmetic", "image": "2", "groups": "attribute", "attribute": "glasses",
            "origin": "image",
        },
        checks.glasses,
    ),
    Exercise(
        "diagnosis", "Two patients", "zoo", {},
        "Examine two patients and name what is wrong with each before you reveal it.",
        "Compare each figure with what the small print calls normal. A patient that was named wrongly does not count: take another.",
        "A: mean instead of sum over pixels. H: KL with the wrong sign.",
        {},
        checks.diagnosis,
    ),
)  # fmt: skip

EXERCISES: Mapping[str, Exercise] = MappingProxyType({exercise.key: exercise for exercise in _RECORDS})
