"""A run as a PyTorch script that stands on its own: its data, model, loss and training loop, and nothing else.

The functions in it are the texts of those that train here, so that it cannot drift away from them; the loop is a template
that the tests hold equal. It draws the same initial weights, batches and noise (randomness.py), so its curve is the run's.
"""

from __future__ import annotations

import platform
import textwrap

import numpy as np
import torch

from vae.data import find_source
from vae.errors import SettingError
from vae.export.script.data import data_text, needs_folder
from vae.export.script.network import Network, network_of
from vae.export.script.objective import Minimised, objective_of
from vae.export.script.source import Unreadable, definitions, imports_of
from vae.training.config import TrainConfig
from vae.training.networks import find_architecture
from vae.training.pixels import BINARY, BINARY_SAMPLED, DEQUANTISED, SYMMETRIC, UNIT
from vae.training.precision import BFLOAT16
from vae.training.randomness import generator
from vae.training.schedule import LINEAR

__all__ = ["script_of"]

LECTURE = "Sebastian Raschka, STAT 453 (2021), L17.4, Variational Autoencoder Loss Function"
LECTURE_CODE = "https://github.com/rasbt/stat453-deep-learning-ss21, folder L17"
WIDTH = 110

_OPTIONS = """\
parser = argparse.ArgumentParser(description="Train a VAE; prints step, reconstruction, KL and objective of each step.")
parser.add_argument("--steps", type=int, default={steps})
parser.add_argument("--threads", type=int, default={threads}, help="of torch; another count changes the last digits")
parser.add_argument("--out", type=Path, help="a file to write the curve to, instead of the screen")
"""
_FOLDER = """\
folder = os.environ.get("VAE_DATA", "data")
parser.add_argument("--data", type=Path, default=folder, help="where data sets lie (default: VAE_DATA, else data)")
"""
_PARSED = """\
options = parser.parse_args()
torch.set_num_threads(options.threads)"""

_LOOP = """\
parameters = [weight for part in (encoder, to_mu, to_log_var, decoder) for weight in part.parameters()]{more}
optimiser = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=True)
out = options.out.open("w", buffering=1) if options.out else sys.stdout
print("step,reconstruction,kl,objective", file=out)  # nats per image, before the step's update
for step in range(options.steps):
    epoch, position = divmod(step, STEPS_PER_EPOCH)
    if position == 0:  # each epoch sees every image once, in an order of its own
        order = torch.randperm(len(images), generator=generator(SEED, "order", epoch))
    batch = order[position * BATCH_SIZE : (position + 1) * BATCH_SIZE]
    {x}
    noise = generator(SEED, "noise", step)

    features = encoder({seen})
    mu, log_var = to_mu(features), to_log_var(features)  # (B, Z) each
{step}

    row = [term.item() for term in (reconstruction, kl, objective)]
    if not np.isfinite(row).all():
        sys.exit(f"At step {{step + 1}} the loss is no longer a finite number: try a lower learning rate.")
{rate}    optimiser.zero_grad()
    objective.backward()
    optimiser.step()
    print(step + 1, *row, sep=",", file=out)
"""

_COIN = 'pixels = generator(SEED, "pixels", step)  # one draw for each pixel and step\n    x = '
_X = {
    UNIT: "x = images[batch].float() / 255  # (B, C, H, W) in [0, 1]",
    SYMMETRIC: "x = images[batch].float() / 255  # (B, C, H, W) in [0, 1]; network and loss take it from -1 to 1",
    BINARY: "x = (images[batch] >= 128).float()  # (B, C, H, W), 0 or 1",
    BINARY_SAMPLED: _COIN
    + "(torch.rand(images[batch].shape, generator=pixels) * 255 < images[batch]).float()  # 0 or 1",
    DEQUANTISED: _COIN + "(images[batch] + torch.rand(images[batch].shape, generator=pixels)) / 256  # in [0, 1)",
}


def script_of(config: TrainConfig, steps: int | None = None, threads: int = 1) -> str:
    """The text of a script that repeats the run: it needs torch, numpy and a reader of its data set, and not this package.

    steps: how many it takes unless told otherwise; all of the config by default. threads: torch's, those of the run.
    It prints step, reconstruction, KL and objective as CSV, nats per image. At equal versions, machine and thread count
    they are the run's own. SettingError for a loss, KL term, network or data set that has no text to give.
    """
    steps = _count("steps", config.total_steps if steps is None else steps)
    threads = _count("threads", threads)
    try:
        network = network_of(config)
    except Unreadable as what:
        told = f"a script is written for an encoder and a decoder whose text stands on its own, and '{what}' is none"
        raise SettingError("architecture", config.architecture, told) from None
    minimised = objective_of(config)
    sections = {
        "Settings": _settings(config, steps, threads),
        "Data": data_text(config),
        "Randomness: a generator for each purpose and step": definitions([generator]),
        "Model": _model(network),
        "Loss": minimised.definitions,
        "Training": _loop(config, network, minimised),
    }
    body = "\n\n\n".join(f"# {f'---- {title} '.ljust(WIDTH, '-')}\n\n{text}" for title, text in sections.items())
    return f"{_header(config, threads)}\n\n{imports_of(body)}\n\n\n{body}"


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingError(name, value, "a whole number from 1 is accepted")
    return value


def _settings(config: TrainConfig, steps: int, threads: int) -> str:
    rows = [
        f"LATENT_DIM = {config.latent_dim}",
        f"BETA = {config.beta!r}  # weight of the KL term",
        f"LEARNING_RATE = {config.learning_rate!r}",
        f"BATCH_SIZE = {config.batch_size}",
        f"STEPS_PER_EPOCH = {config.steps_per_epoch}  # the last batch of an epoch may be smaller",
        f"SEED = {config.seed}",
    ]
    if config.kl_record().bound:
        rows.append(f"SAMPLES = {int(config.kl_settings()['samples'])}  # k, the codes drawn for each image")
    if config.precision == BFLOAT16:
        rows.append(_BFLOAT16)
    options = _OPTIONS.format(steps=steps, threads=threads) + (_FOLDER if needs_folder(config) else "") + _PARSED
    return "\n".join(rows) + "\n\n" + options


def _model(network: Network) -> str:
    seeded = (
        'torch.manual_seed(derived_seed(SEED, "weights", 0))  # initial weights: the layers draw them in this order'
    )
    return "\n\n\n".join(filter(None, (network.definitions, f"{seeded}\n{network.lines}")))


def _loop(config: TrainConfig, network: Network, minimised: Minimised) -> str:
    rate = _LINEAR.format(steps=config.total_steps) if config.schedule == LINEAR else ""
    seen = "2 * x - 1" if config.pixels == SYMMETRIC else "x"
    return _LOOP.format(
        rate=rate, x=_X[config.pixels], seen=seen, more=" + [log_sigma]" * network.learned_sigma, step=minimised.step
    )


# ---- What it says of itself --------------------------------------------------------------------------------------


def _header(config: TrainConfig, threads: int) -> str:
    import vae  # only for its version: the package imports its parts, not the other way round

    loss, term = config.loss_record(), config.kl_record()
    readers = {"digits": ", scikit-learn", "olivetti": ", scikit-learn"}.get(config.dataset, "")
    folder = " [--data data]" if needs_folder(config) else ""
    architecture = find_architecture(config.architecture)
    paragraphs = (
        f"A variational autoencoder, trained on {_title(config)}. Needs torch, numpy{readers}.",
        f"    python train.py [--steps 200] [--threads {threads}]{folder} [--out curve.csv]",
        "",
        f"Loss: {loss.name}. {loss.meaning} Source: {loss.source} {loss.url}"
        if loss.url
        else f"Loss: {config.formula}",
        f"KL term: {term.name}. {term.meaning} Source: {term.source} {term.url}",
        f"Network: {architecture.name}. {architecture.meaning}",
        f"Reduction: {config.reduction} over pixels." + _MEAN * (config.reduction == "mean"),
        f"Lecture: {LECTURE}. {LECTURE_CODE}",
        "",
        f"Written by VAE Loss Lab {vae.__version__}, with torch {torch.__version__}, numpy {np.__version__}, Python "
        f"{platform.python_version()}. With these, the same kind of machine and {threads} thread(s) it prints the run's "
        "own numbers; elsewhere they are close at first and drift apart slowly.",
        "",
        f"Settings: {config.to_json()}",
    )
    return "\n".join(_comment(paragraph) for paragraph in paragraphs)


_BFLOAT16 = (
    "for kind in (torch.backends.mkldnn.matmul, torch.backends.mkldnn.conv):\n"
    '    kind.fp32_precision = "bf16"  # products of factors rounded to bfloat16, where the processor has them'
)
_LINEAR = """\
    optimiser.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / {steps})  # to 0 at the end of the whole training
"""
_MEAN = " The objective divides the reconstruction by the number of pixels, which makes the KL term that much heavier."


def _title(config: TrainConfig) -> str:
    return find_source(config.dataset).title.partition(",")[0]


def _comment(paragraph: str) -> str:
    """As comment lines: whatever the text holds, none of it can end the comment, as all its white space becomes spaces."""
    indent = "#     " if paragraph.startswith("    ") else "# "
    text = " ".join(paragraph.split())
    wrap = textwrap.TextWrapper(WIDTH, indent, indent + "  ", break_long_words=False, break_on_hyphens=False)
    return wrap.fill(text) if text else "#"
