"""What a claim is: numbers first, and a verdict that is a function of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

RECOMPUTED = "recomputed here"
MEASURED = "measured for this project"
ANSWERS = ("true", "true, but", "not so")


@dataclass(frozen=True)
class Evidence:
    """One number. expected: what the lecture, or our table of its claims, says, printed with so many decimals."""

    label: str
    value: float
    expected: float | None = None
    unit: str = "nats per pixel"
    decimals: int = 4
    origin: str = RECOMPUTED
    interval: tuple[float, float] | None = None  # 95 %, of a mean over seeds

    @property
    def agrees(self) -> bool:
        """Whether the value is the expected one, rounded or cut off after `decimals`; True where none is expected."""
        return self.expected is None or abs(self.value - self.expected) < 10.0**-self.decimals


@dataclass(frozen=True)
class Verdict:
    """One or two words, and one or two sentences why."""

    name: str
    explain: str

    @property
    def answer(self) -> str:
        """Which of ANSWERS it comes to, for a class that guesses first."""
        return self.name if self.name in ANSWERS else "not so"


Rows = tuple[Evidence, ...]
Values = Mapping[str, float]  # label -> value


@dataclass(frozen=True)
class Claim:
    """A claim, how to recompute it, and what to say of it.

    compute() returns the evidence; holds(label -> value) whether it bears out `verdict`, else `otherwise` is the verdict.
    page and query open the page that shows it. run: commands that repeat a training. of_lecture is False for what the
    lecture does not say but what explains it.
    """

    key: str
    title: str
    sentence: str
    compute: Callable[[], Rows]
    holds: Callable[[Values], bool]
    verdict: Verdict
    otherwise: Verdict
    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    needs_training: bool = False
    run: tuple[str, ...] = ()
    statements: Callable[[], tuple[str, ...]] = tuple
    of_lecture: bool = True

    def check(self) -> Finding:
        """Recompute, then judge."""
        evidence = self.compute()
        return Finding(self, evidence, self.judge(evidence))

    def judge(self, evidence: Rows) -> Verdict:
        """The verdict on these numbers."""
        return self.verdict if self.holds({row.label: row.value for row in evidence}) else self.otherwise


@dataclass(frozen=True)
class Finding:
    """A claim after its numbers are in."""

    claim: Claim
    evidence: Rows
    verdict: Verdict


def is_zero(value: float) -> bool:
    return abs(value) < 1e-12


def surface_link(view: str, x: float, p: float, losses: str = "bce,mse") -> Mapping[str, str]:
    """The fields of a link to the Loss surfaces page."""
    return {"losses": losses, "view": view, "x": f"{x:g}", "p": f"{p:g}"}
