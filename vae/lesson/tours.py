"""The tours: each step is a page in a certain state, two sentences, one question, and an answer that is shown afterwards.

They work without the internet: digits, and models and results that ship. tests/test_lesson.py recomputes every number that an
answer says, and docs/teaching.md goes through the lecture's minute by minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Step:
    """page, query: what is to be seen, as the page's own link says it. panel: which of Train's is open. text: two sentences
    that say what to look at, and not what comes of it."""

    title: str
    page: str
    query: Mapping[str, str]
    text: str
    question: str
    answer: str
    minutes: int = 1
    panel: str = ""


@dataclass(frozen=True)
class Tour:
    key: str
    title: str
    about: str
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def minutes(self) -> int:
        return sum(step.minutes for step in self.steps)


def _surfaces(view: str, x: str, p: str, **more: str) -> dict[str, str]:
    return {"losses": "bce,mse", "view": view, **more, "x": x, "p": p}


# As their pages write them: an address that its page rewrites cannot be left by going back.
_NET = {"dataset": "digits", "hidden": "128", "latent_dim": "8", "batch_size": "64", "epochs": "30"}
_RACE = _NET | {"vary": "loss", "against": "mse"}

_PERFECT = Step(
    "A perfect prediction", "surfaces", _surfaces("value", "0.4", "0.4"),
    "The true pixel is .4, and it is predicted as .4: nothing is wrong. The table says what BCE and MSE ask for that.",
    "What does a perfect prediction cost?",
    "Under BCE .673 nats, the entropy of the pixel; under MSE 0. The slope dL/dp is 0 under both: no other prediction costs "
    "less, so the .673 changes nothing in training.",
)  # fmt: skip
_SIDES = Step(
    "A miss on either side", "surfaces", _surfaces("excess", "0.2", "0.1", form="section"),
    "The true pixel is .2, the prediction .1. The buttons .2 / .1 and .2 / .3 go from one side of the truth to the other, both "
    "off by .1.",
    "Which of the two misses is the worse one, under BCE and under MSE?",
    "Under BCE the lower one: .0444 nats above its least at .1, .0257 at .3. Missing towards the nearer end of the range costs "
    "more. Under MSE both cost .01.",
)  # fmt: skip
_RACES = Step(
    "A race on the same weights", "train", _RACE,
    "Two nets with the same first weights see the same batches of digits, one under BCE and one under MSE. Press Start, and "
    "watch the pictures.",
    "Which one will draw more sharply, and which will put more into its code, the KL?",
    "BCE, both: at the end it has a KL of 2.6 and a squared error of 2.2, MSE a KL of .24 and 4.3. The net that minimises the "
    "squared error has the larger one.",
    panel="curves",
)  # fmt: skip
_DIAL = Step(
    "The dial", "train", _RACE | {"dial": "1:0.05"},
    "MSE with weight 1 is a Gaussian with σ = .71, far wider than the errors that are made. Its dial now stands at β = .05, which "
    "fits them: start the race anew.",
    "Will MSE still be the blurrier one?",
    "No: its squared error is 1.4 and its sharpness .56 of the data's, BCE's 2.2 and .32. The weight of the reconstruction "
    "decides, not the name of the loss.",
    panel="dial",
)  # fmt: skip
_END = Step(
    "What to say at the end", "lecture", {"claim": "blur", "predict": "yes"},
    "The lecture says that BCE looks blurrier. Guess, then read what five pairs of trainings on MNIST say.",
    "So BCE or MSE, in one sentence?",
    "Both are least at p = x, so ask two things: is it a density of your pixels (BCE only where they are 0 or 1), and how much "
    "does it weigh against the KL? Compare losses only at the weight that their errors ask for.",
)  # fmt: skip

FIVE_MINUTES = Tour(
    "five-minutes",
    "BCE or MSE, in five minutes",
    "What each loss asks for a pixel, what becomes of it in training, and why the usual comparison is unfair.",
    (_PERFECT, _SIDES, _RACES, _DIAL, _END),
)

LECTURE = Tour(
    "lecture",
    "The VAE loss, a lesson of 50 minutes",
    "From the two terms of the loss to a trained code space, a comparison with intervals, and a bug to diagnose.",
    (
        Step(
            "The loss in one picture", "lecture", {},
            "A VAE turns a picture into a cloud of codes, draws one code from it, and turns that back into a picture. Its loss "
            "has two terms.",
            "What would become of pictures and codes if only one of the two terms were there?",
            "With the reconstruction alone: sharp copies, and a code space with holes, from which nothing can be drawn. With the "
            "KL term alone: every picture has the same cloud, and the code says nothing.",
            minutes=3,
        ),
        replace(_PERFECT, minutes=3),
        replace(_SIDES, minutes=3),
        Step(
            "Confidently wrong", "surfaces", _surfaces("logit_slope", "1", "0.001", form="section"),
            "The true pixel is 1, the prediction .001. Below, the pixel descends from there for 100 steps under each loss.",
            "Which loss brings it home?",
            "BCE: its slope in the logit is p − x = −.999, that of MSE −.002, because the sigmoid is saturated. After 100 steps BCE "
            "stands at p = .989, MSE at .00125.",
            minutes=4,
        ),
        Step(
            "What a code costs", "kl", {"mu": "2", "log_var": "0"},
            "A code with mean 2 and variance 1 costs 2 nats. Guess first, then move the two sliders.",
            "Which is dearer: a mean of 2, or a variance of .05 (log σ² = −3)?",
            "The mean: 2 nats against 1.02. A code may be quite certain for little; to be far from 0 is dear. Only mean 0 and "
            "variance 1 cost 0.",
            minutes=4,
        ),
        replace(_RACES, minutes=5),
        replace(_DIAL, minutes=4),
        Step(
            "Too much KL", "train", _NET | {"vary": "beta", "against": "8"},
            "The same net twice under BCE, once with β = 1 and once with β = 8. Start the race, and open Codes or Curves below.",
            "What will the second net draw?",
            "One picture for all, the mean digit: its KL is .001 and its squared error 4.8, against 2.2. This is posterior "
            "collapse; a mean over 64 pixels in place of a sum does the same, as β = 64.",
            minutes=4, panel="curves",
        ),
        Step(
            "What a dimension does", "latent", {"model": "mnist-bce-z20", "part": "traverse"},
            "Each row moves one dimension of a model of MNIST and leaves the other 19 at 0. The rows stand in the order of their "
            "KL.",
            "Does a dimension stand for a digit?",
            "No. A row goes through several digits and changes slant, width and stroke on the way: the loss asks for codes that are "
            "cheap, not for codes that are named.",
            minutes=3,
        ),
        Step(
            "From a 3 to an 8", "latent", {"model": "mnist-bce-z20", "part": "walk", "image": "32", "other": "110"},
            "The first two rows walk through the latent space from a 3 to an 8. The third fades one picture into the other.",
            "What lies half way, in the latent space and in the cross-fade?",
            "In the latent space a picture that could be a digit; in the cross-fade a 3 and an 8 on top of each other. The KL term "
            "has filled the space between the codes.",
            minutes=3,
        ),
        Step(
            "Under every loss", "compare", {"data": "digits", "models": "digits-bce-z8,digits-mse-z8", "part": "matrix"},
            "Two models that differ only in the loss they were trained with, each measured under every loss. The best of a row is "
            "marked.",
            "Is each one best under its own loss?",
            "No: the one trained with BCE has the smaller squared error too, 1.8 against 3.6, for a KL of 3.2 against .5. It was "
            "allowed to pay more for its code.",
            minutes=4,
        ),
        Step(
            "One curve", "lab", {"sweep": "shipped:digits-losses-betas", "view": "plane"},
            "Thirty trainings: two losses, three β, five seeds. To the right the code holds more, further down the pictures are "
            "better.",
            "Do BCE and MSE lie on two curves, or at different places of one?",
            "Nearly on one. BCE with β = 1 comes to a KL of 3.1 and a squared error of 2.5, MSE with β = .5 to 2.2 and 2.9: the loss "
            "chooses a place, as β does.",
            minutes=3,
        ),
        Step(
            "A patient", "zoo", {},
            "A program with one mistake beside a healthy one. Press Examine, read the symptoms, and take a vote before you reveal.",
            "What is wrong with patient A?",
            "It takes the mean over the pixels in place of the sum, and the code collapses: the same as a β of 64 here.",
            minutes=4,
        ),
        replace(_END, minutes=3),
    ),
)  # fmt: skip

TOURS: Mapping[str, Tour] = MappingProxyType({tour.key: tour for tour in (FIVE_MINUTES, LECTURE)})
