"""python -m vae: training, sweeps and fetching without the app."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from vae.data import DATASETS
from vae.errors import SettingError, VaeError
from vae.losses.kl_terms import KL_TERMS
from vae.losses.table import LOSSES
from vae.training.config import TrainConfig, loss_keys
from vae.training.networks import ARCHITECTURES
from vae.training.pixels import TREATMENTS
from vae.training.precision import PRECISIONS
from vae.training.presets import PRESETS
from vae.training.schedule import SCHEDULES

PARAMETERS = {p.name: p.meaning for loss in LOSSES.values() for p in loss.given()}
FOLDER, FOLDER_SIZE = "folder:", 28  # of --dataset; pixels a side unless told otherwise
KL_PARAMETERS = {p.name: p.meaning for term in KL_TERMS.values() for p in term.parameters}


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 the training failed, 2 a setting or file cannot be used (one sentence on stderr)."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except VaeError as reason:
        print(f"vae: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vae: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m vae", description="Train VAEs under any of the losses, headless.")
    commands = parser.add_subparsers(required=True, metavar="command")
    train = commands.add_parser("train", help="train one model and print its test figures, in nats per image")
    train.set_defaults(run=_train)
    _add_settings(train)
    train.add_argument("--threads", type=_whole, help="of torch; results are bit-identical only at equal counts")
    train.add_argument(
        "--device", help="auto (a CUDA card if there is one), cpu, cuda or mps; default: VAE_DEVICE, else auto"
    )
    train.add_argument("--out", type=Path, help="where to write the checkpoint (.safetensors)")
    script = commands.add_parser("script", help="print a PyTorch script that repeats a training without this package")
    script.set_defaults(run=_script)
    _add_settings(script)
    script.add_argument("--steps", type=_whole, help="that it takes unless told otherwise; default: all of the epochs")
    script.add_argument("--threads", type=_whole, help="of torch, likewise; default: those of this machine")
    _add_sweep(
        commands.add_parser("sweep", help="train a grid of models; results are appended to a CSV file, resumably")
    )
    checkpoints = commands.add_parser("checkpoints", help="rebuild the models that ship with the app, from scratch")
    checkpoints.set_defaults(run=_checkpoints)
    checkpoints.add_argument("names", nargs="*", metavar="name", help="only these; default: all, in about two hours")
    checkpoints.add_argument("--folder", type=Path, help="where to write them; default: checkpoints, beside the app")
    fetch = commands.add_parser("fetch", help="download a data set into the data folder (VAE_DATA)")
    fetch.set_defaults(run=_fetch)
    fetch.add_argument("dataset")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """The options that config_from reads."""
    parser.add_argument("--preset", help=f"start from a known program's settings: one of {', '.join(PRESETS)}")
    parser.add_argument(
        "--dataset",
        help=f"one of {', '.join(DATASETS)}; mnist when it is on this machine, else digits; or folder:PATH, PNG and JPEG files "
        f"of your own, brought to --size pixels a side ({FOLDER_SIZE})",
    )
    parser.add_argument("--colour", action="store_true", help="with --dataset folder:PATH: keep the colours")
    parser.add_argument("--labels", action="store_true", help="likewise: labels from what the files' names begin with")
    parser.add_argument("--pixels", help=f"what a pixel is: one of {', '.join(TREATMENTS)}")
    parser.add_argument("--loss", help=f"one of {', '.join(loss_keys())}")
    parser.add_argument("--formula", help="with --loss formula: nats per pixel in x, p, logits")
    for name, meaning in PARAMETERS.items():
        parser.add_argument(f"--{name}", type=_number, help=meaning)
    parser.add_argument("--kl-term", help=f"what is done with the KL: one of {', '.join(KL_TERMS)}")
    for name, meaning in KL_PARAMETERS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=_number, help=meaning)
    parser.add_argument("--architecture", help=f"one of {', '.join(ARCHITECTURES)}")
    parser.add_argument("--hidden", type=_widths, help="widths of the MLP's hidden layers, such as 400 or 512,256")
    parser.add_argument("--latent-dim", type=_whole)
    parser.add_argument("--beta", type=_number, help="weight of the KL term")
    parser.add_argument("--reduction", help="sum (the ELBO) or mean over pixels")
    parser.add_argument("--precision", help=f"of a step's products: one of {', '.join(PRECISIONS)}")
    parser.add_argument("--learning-rate", type=_number)
    parser.add_argument("--schedule", help=f"of the learning rate: one of {', '.join(SCHEDULES)}")
    parser.add_argument("--batch-size", type=_whole)
    parser.add_argument("--epochs", type=_whole)
    parser.add_argument("--size", type=_whole, help="resize the images to so many pixels a side; 0 for their own")
    parser.add_argument("--seed", type=_whole)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_sweep)
    _add_settings(parser)
    parser.add_argument("--losses", help="such as bce,mse")
    parser.add_argument("--betas", help="such as .5,1,4")
    parser.add_argument("--latent-dims", help="such as 2,20")
    parser.add_argument("--seeds", help="how many, from 0 on (5), or which (0,3,7)")
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="such as sigma=.1,.3 or learning_rate=1e-3,1e-4",
    )
    parser.add_argument("--out", type=Path, required=True, help="the results file (.csv); gone on with if it is there")
    parser.add_argument("--scheduler", help="address of a Dask scheduler (VAE_SCHEDULER); default: workers of its own")
    parser.add_argument(
        "--workers", type=_whole, help="local worker processes (VAE_WORKERS); default: one for each core"
    )
    parser.add_argument("--yes", action="store_true", help="start even what is estimated to be long or large")


# argparse would answer a bad number with a usage page; passing the text on lets TrainConfig answer with its sentence.
def _whole(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        return text


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def _widths(text: str) -> object:
    return tuple(_whole(part) for part in text.split(","))


def config_from(options: argparse.Namespace) -> TrainConfig:
    """The config that the options stand for: the preset's fields, changed by those that were given."""
    from vae.data import default_dataset
    from vae.training.presets import find_preset

    fields = (
        "dataset pixels loss formula architecture hidden latent_dim beta kl_term reduction precision learning_rate schedule batch_size epochs size "
        "seed"
    )
    given = {name: value for name in fields.split() if (value := getattr(options, name)) is not None}
    if (options.dataset or "").startswith(FOLDER):
        given |= {"dataset": _bring(options), "size": 0}
    elif options.colour or options.labels:
        raise SettingError("--colour or --labels", True, f"they go with --dataset {FOLDER}PATH")
    for field, names in (("parameters", PARAMETERS), ("kl_parameters", KL_PARAMETERS)):
        if values := {name: value for name in names if (value := getattr(options, name)) is not None}:
            given[field] = values
    if options.preset is not None:
        return find_preset(options.preset).config(**given)
    return TrainConfig.usual(given.pop("dataset", None) or default_dataset(), **given)


def _bring(options: argparse.Namespace) -> str:
    """Read a folder of pictures: the name of the data set that they are now. What is to be said of them goes to stderr."""
    from vae.data import bring
    from vae.data.own import as_dataset, expectation, read_folder

    side = TrainConfig(size=options.size or FOLDER_SIZE).size  # which checks it
    read = read_folder(Path(options.dataset.removeprefix(FOLDER)), side, options.colour)
    for sentence in (*read.refused, *read.notes):
        print(sentence, file=sys.stderr)
    source = bring(as_dataset(read, "own", options.labels))
    print(f"{source.title}. {expectation(source.n_train + source.n_test)}", file=sys.stderr)
    return source.name


def _train(options: argparse.Namespace) -> int:
    config = config_from(options)
    if options.out is not None and not options.out.parent.is_dir():
        raise SettingError(
            "--out", str(options.out), f"its folder {options.out.parent} does not exist; an existing one is accepted"
        )

    import torch
    from tqdm import tqdm

    from vae.data import load_dataset
    from vae.training.checkpoint import save_checkpoint
    from vae.training.device import AUTO, checked, chosen, wanted
    from vae.training.evaluation import evaluate
    from vae.training.memory import keep_freed
    from vae.training.on_device import train
    from vae.training.update import model_of

    keep_freed()
    if options.threads is not None:
        if not isinstance(options.threads, int) or not 1 <= options.threads <= 1024:
            raise SettingError("--threads", options.threads, "a whole number from 1 to 1024 is accepted")
        torch.set_num_threads(options.threads)
    name = wanted() if options.device is None else checked("--device", options.device)
    device = chosen(name)
    data = load_dataset(config.dataset, config.size)
    print(f"{config.to_json()}\n{torch.get_num_threads()} thread(s), {device.type}, {config.total_steps:,} steps")
    with tqdm(total=config.total_steps, unit="step", disable=None) as bar:
        for state, progress in train(config, data, device=device, or_cpu=name == AUTO):
            bar.update(len(progress.objective))
            if len(progress.objective):
                bar.set_postfix(
                    reconstruction=f"{progress.reconstruction.mean():.2f}",
                    kl=f"{progress.kl.mean():.2f}",
                    refresh=False,
                )
    metrics = None
    if not progress.failure:
        metrics = evaluate(config, model_of(config, state.weights), data)
        print(
            f"test -ELBO {metrics.negative_elbo:.3f} = reconstruction {metrics.reconstruction:.3f} + KL {metrics.kl:.3f} "
            f"nats per image ({metrics.images:,} images, after {state.step:,} steps)"
        )
    if options.out is not None:
        save_checkpoint(options.out, state, config, metrics, device=progress.device)
        print(f"checkpoint: {options.out}")
    if progress.failure:
        print(f"vae: {progress.failure}", file=sys.stderr)
    return 1 if progress.failure else 0


def _script(options: argparse.Namespace) -> int:
    import torch

    from vae.export.script import script_of

    threads = torch.get_num_threads() if options.threads is None else options.threads
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # what Python reads, whatever the terminal writes
    print(script_of(config_from(options), options.steps, threads), end="")
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from vae.data import load_dataset
    from vae.engine import headless
    from vae.study.sweep import SweepSpec, seeds_in, values_in

    options.vary += [f"{name}={text}" for name in PARAMETERS if (text := getattr(options, name)) is not None]
    for name in PARAMETERS:  # sigma belongs to the losses that have it, not to all of the sweep
        setattr(options, name, None)
    axes: dict[str, Sequence[int | float | str]] = {
        name.strip().replace("-", "_"): values_in(values)
        for name, _, values in (v.partition("=") for v in options.vary)
    }
    lists = {"loss": options.losses, "beta": options.betas, "latent_dim": options.latent_dims}
    axes |= {name: values_in(text) for name, text in lists.items() if text is not None}
    axes |= {} if options.seeds is None else {"seed": seeds_in(options.seeds)}
    spec = SweepSpec(config_from(options), tuple((name, tuple(values)) for name, values in axes.items()))
    load_dataset(spec.base.dataset, spec.base.size)  # answers for data that are not here
    return headless.sweep(spec, options.out, options.scheduler, options.workers, options.yes)


def _checkpoints(options: argparse.Namespace) -> int:
    import torch
    from tqdm import tqdm

    from vae.training.shipped import FOLDER, SHIPPED, find_shipped, make, write_table

    models = [find_shipped(name) for name in options.names] or list(SHIPPED.values())
    folder = options.folder or FOLDER
    if not folder.is_dir():
        raise SettingError("--folder", str(folder), "an existing folder is accepted")
    torch.set_num_threads(1)  # what these files were made with: another count changes the last bits
    with tqdm(total=sum(model.config.total_steps for model in models), unit="step", disable=None) as bar:
        for model in models:
            bar.set_description(model.name)
            make(model, folder, bar.update)
            print(f"{model.title}: in {folder}")
    write_table(folder)
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from vae.data import data_folder, find_source

    source = find_source(options.dataset)
    with tqdm(total=100, unit="%", disable=None, bar_format="{l_bar}{bar}| {n:.0f} %") as bar:
        source.download(data_folder(), lambda share: bar.update(100 * share - bar.n))
    print(f"{source.title}: in {data_folder()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
