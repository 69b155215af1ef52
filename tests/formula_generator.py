"""Seeded formulas, good and bad, and what must come of each: a loss that works, or a refusal in one sentence."""

import random
import re
import time

import torch

from vae.errors import SettingError
from vae.losses.formula import formula_loss

SLOWEST = 2.0  # seconds a formula may take
LEAVES = ("x", "p", "p", "p", "logits", "1", "2", ".5", "0.1", "1e-3", "1e6", "pi", "e", "0", "3")
UNARY = ("abs", "exp", "log", "sqrt", "tanh", "sigmoid")
HOSTILE = (
    "__import__('os').system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "(lambda: p)()",
    "[p for p in (x,)]",
    "p.grad",
    "p.__class__",
    "x[0]",
    "open('secret')",
    "eval('p')",
    "exec('p=1')",
    "9**9**9**9",
    "1e999",
    "10**400*p",
    "9" * 290,
    "(p := 1)",
    "f'{p}'",
    "'p' * 1000000000",
    "p if x else 1",
    "p and x",
    "not p",
    "p @ x",
    "p << 9999999",
    "{p: x}",
    "*p",
    "**p",
    "abs(p, p)",
    "abs()",
    "where(p, x, 1)",
    "where(p < x < 1, x, p)",
    "torch.ones(3)",
    "lambda",
    "yield p",
    "await p",
    "None",
    "True",
    "...",
    "1j*p",
    "0x10*p",
    "1_000*p",
    "p\x00x",
    "p;x",
    "p\nx",
    "p # x",
    "\\",
    "ｐ",
    "p²",
    "−p",
    "",
    " ",
    "(",
    ")",
    "((((((((((" * 20,
    "-" * 299 + "p",
    "abs(" * 70 + "p" + ")" * 70,
    "p" + "+p" * 149,
    "p" * 400,
    "\ud800",
)


def expression(random: random.Random, depth: int) -> str:
    """A formula by the grammar; it may still be infinite somewhere."""
    if depth <= 0 or random.random() < 0.15:
        return random.choice(LEAVES)
    a, b, c, d = (lambda: expression(random, depth - 1) for _ in range(4))
    return random.choice(
        (
            lambda: f"({a()} + {b()})",
            lambda: f"{a()} - {b()}",
            lambda: f"({a()})*({b()})",
            lambda: f"({a()})/({b()})",
            lambda: f"({a()})**{random.choice(('2', '3', '.5', '-1', '(' + b() + ')'))}",
            lambda: f"-{a()}",
            lambda: f"{random.choice(UNARY)}({a()})",
            lambda: f"{random.choice(('minimum', 'maximum'))}({a()}, {b()})",
            lambda: f"clip({a()}, {b()}, {c()})",
            lambda: f"where({a()} {random.choice(('<', '<=', '>', '>='))} {b()}, {c()}, {d()})",
        )
    )()


def mangled(random: random.Random, text: str) -> str:
    """The text with a few characters lost, doubled, swapped or put in."""
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, len(text))
        anything = random.choice("xpe.,()*/-+<>=[]{}'\"_:;#@!&|~^%$\\ \t\n09é\x00") + random.choice(
            ("", "", "log", "**")
        )
        text = random.choice(
            (
                text[:at] + text[at + 1 :],
                text[:at] + anything + text[at:],
                text[:at] + text[at - 3 :],
                text[at:] + text[:at],
            )
        )
    return text


def formula(random: random.Random) -> str:
    """One formula of the mixture: by the grammar, mangled, hostile, or noise."""
    kind = random.random()
    if kind < 0.55:
        return expression(random, random.randint(1, 4))
    if kind < 0.8:
        return mangled(random, expression(random, random.randint(1, 4)))
    if kind < 0.9:
        return random.choice(HOSTILE)
    if kind < 0.95:
        return expression(random, 1) + random.choice("+*,<( ") + random.choice(HOSTILE)
    return "".join(chr(random.choice((random.randint(0, 127), random.randint(0, 0x10FFFF)))) for _ in range(9))


def outcome(text: str, grid: int) -> str:
    """ "accepted" or "refused"; AssertionError if it is neither a working loss nor a sentence, or is slow."""
    start = time.perf_counter()
    try:
        loss = formula_loss(text, grid)
    except SettingError as refusal:
        check_sentence(refusal)
        result = "refused"
    else:
        check_works(loss)
        result = "accepted"
    seconds = time.perf_counter() - start
    assert seconds < SLOWEST, f"{seconds:.1f} s"
    return result


def check_sentence(refusal: SettingError) -> None:
    """One sentence: ends in its only full stop, on one line, of a length that can be read."""
    said = str(refusal)
    assert refusal.field == "formula" and said.startswith("formula = ") and said.endswith(".")
    assert said.isprintable() and len(said) < 400, said
    own_words = re.sub(r"'[^']*'|\"[^\"]*\"", "", refusal.accepted)
    assert ". " not in own_words and not own_words.endswith("."), said


def check_works(loss) -> None:
    """Finite with its gradient on the corners of training, and a value or an infinity on those of a surface."""
    x = torch.tensor([[0.0], [1.0]])
    logits = torch.tensor([-100.0, 0.0, 100.0], requires_grad=True)
    trained = loss.pixelwise(logits, x)
    assert trained.shape == (2, 3) and trained.dtype == torch.float32 and trained.isfinite().all()
    (gradient,) = torch.autograd.grad(trained.sum(), logits)
    assert gradient.isfinite().all()
    p = torch.tensor([0.0, 1e-4, 1 - 1e-4, 1.0], dtype=torch.float64)
    drawn = loss.of_prediction(p, x.double())
    assert drawn.shape == (2, 4) and drawn[:, 1:3].isfinite().all() and not drawn.isnan().any()
    assert loss.latex.count("{") == loss.latex.count("}") and loss.latex
    assert 0 < len(loss.name) <= 40
