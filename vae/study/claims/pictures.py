"""What the pictures of trained models look like: read from sweeps that ship."""

from __future__ import annotations

from vae.study.claims import evidence as measured
from vae.study.claims.record import MEASURED, Claim, Evidence, Rows, Values, Verdict

MIDDLE_OF_DATA = 0.0859
_SWEEP = "python -m vae sweep --dataset mnist --latent-dims {z} --seeds 5 --epochs 6 --losses {losses} --betas {beta} --out {out}.csv"
_RACE = {
    "dataset": "mnist",
    "loss": "bce",
    "latent_dim": "20",
    "epochs": "6",
    "vary": "loss",
    "against": "mse,mse,gaussian_optimal",
    "dial": f"2:{measured.CALIBRATED_BETA}",
}


def _measured(quantity: str, unit: str, sizes: tuple[int, ...]) -> Rows:
    """Means over seeds with their intervals, for each contender and number of latent dimensions."""
    return tuple(
        Evidence(f"{name}, z = {z}", float(b.mean), None, unit, 3, MEASURED, (float(b.low), float(b.high)))
        for z in sizes
        for name, b in measured.bands(quantity, z).items()
    )


def _blur() -> Rows:
    return _measured("sharpness", "sharpness, model / data", (20, 2))


def _blur_depends_on_weight(values: Values) -> bool:
    return values["MSE, weight 1, z = 20"] < values["BCE, z = 20"] < values["MSE, optimal sigma, z = 20"]


def _middle() -> Rows:
    unit = "share of pixels in (.1, .9)"
    return (Evidence("data", MIDDLE_OF_DATA, None, unit, 3, MEASURED), *_measured("middle", unit, (20,)))


def _middle_depends_on_weight(values: Values) -> bool:
    return values[f"{measured.CALIBRATED}, z = 20"] < values["BCE, z = 20"] < values["MSE, weight 1, z = 20"]


def _sweeps() -> tuple[str, ...]:
    three = "bce,mse,gaussian_optimal"
    commands = [_SWEEP.format(z=z, losses=three, beta=1, out=f"losses-z{z}") for z in (20, 2)]
    return (*commands, _SWEEP.format(z=20, losses="mse", beta=measured.CALIBRATED_BETA, out="calibrated"))


CLAIMS = (
    Claim(
        key="blur",
        title="BCE looks blurrier than MSE",
        sentence="In the lecturer's experience, pictures from a VAE trained with BCE are blurrier.",
        compute=_blur,
        holds=_blur_depends_on_weight,
        verdict=Verdict(
            "not in general",
            "MSE with weight 1 is blurrier than BCE; with the weight that BCE's own residual asks for, or the optimal "
            "sigma, MSE is the sharper one: the weight of the reconstruction decides, not the name of the loss.",
        ),
        otherwise=Verdict("true", "BCE is the least sharp of the three in these runs."),
        page="train",
        query=_RACE,
        needs_training=True,
        run=_sweeps(),
        statements=lambda: measured.statements("sharpness", 20),
    ),
    Claim(
        key="middle",
        title="BCE pushes predictions to the middle of the range",
        sentence="The blur is explained by predictions that are drawn towards middle grey.",
        compute=_middle,
        holds=_middle_depends_on_weight,
        verdict=Verdict(
            "not in general",
            "All have more middle pixels than the data. MSE with weight 1 has more of them than BCE; with the weight that "
            "BCE's own residual asks for it has fewer: again the weight decides.",
        ),
        otherwise=Verdict("true", "BCE has more middle pixels than MSE, whatever its weight, in these runs."),
        page="train",
        query=_RACE,
        needs_training=True,
        run=_sweeps(),
        statements=lambda: measured.statements("middle", 20),
    ),
)
