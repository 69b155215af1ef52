"""A trained model as one safetensors file: weights, config, metrics, and Adam's moments or a test subset as the model
sees it. Nothing is ever unpickled.

https://github.com/huggingface/safetensors: a JSON header and raw numbers; the config fits in the header's metadata.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from vae.data import find_source
from vae.errors import CheckpointError, SettingError, VaeError, short
from vae.losses.squared_error import SMALLEST_SIGMA
from vae.training.config import TrainConfig
from vae.training.device import CPU_ONLY, KINDS
from vae.training.evaluation import Evaluation
from vae.training.networks import VAE
from vae.training.schema import LEAST_KL, decoded, number, numbers, one_of, record, whole, written_whole
from vae.training.step import TrainState
from vae.training.subset import Subset, subset_size
from vae.training.update import model_of

FORMAT, VERSION = "vae-loss-lab", 1
LARGEST = 1 << 30  # bytes
_PARTS = ("weights", "first", "second")  # the fields of TrainState that hold tensors
_SUBSET = "subset"
_TRAINED_ON = (torch.float32,)  # in files with moments, from which training goes on bit for bit
_LOOKED_AT = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


@dataclass(frozen=True)
class LastEpoch:
    """Means over the steps of a training's last epoch, nats per image."""

    reconstruction: float
    kl: float
    objective: float


@dataclass(frozen=True)
class Checkpoint:
    """What load_checkpoint returns. metrics: the evaluation stored with it, if any; threads: torch's count in training; device: the
    kind that took its last steps.

    A file for looking at, not for training on, has no moments in its state, and may hold a subset of the test set.
    """

    state: TrainState
    config: TrainConfig
    metrics: Evaluation | None
    threads: int
    last_epoch: LastEpoch | None = None
    subset: Subset | None = None
    device: str = CPU_ONLY

    def model(self) -> VAE:
        """The trained network, sharing the state's tensors; not for training."""
        return model_of(self.config, self.state.weights).requires_grad_(False)


def checkpoint_bytes(
    state: TrainState,
    config: TrainConfig,
    metrics: Evaluation | None = None,
    threads: int | None = None,
    last_epoch: LastEpoch | None = None,
    subset: Subset | None = None,
    device: str = CPU_ONLY,
) -> bytes:
    """The content of a checkpoint file. Moments, if the state has them, let training go on bit for bit."""
    tensors = {f"{part}.{name}": t.contiguous() for part in _PARTS for name, t in getattr(state, part).items()}
    if subset is not None:
        held = {f.name: getattr(subset, f.name) for f in fields(Subset)}
        tensors |= {f"{_SUBSET}.{name}": t.contiguous() for name, t in held.items() if t is not None}
    header = {
        "format": FORMAT,
        "version": str(VERSION),
        "config": config.to_json(),
        "step": str(state.step),
        "threads": str(threads or torch.get_num_threads()),
        "metrics": json.dumps(asdict(metrics) if metrics else None),
        "last_epoch": json.dumps(asdict(last_epoch) if last_epoch else None),
    }
    header |= {} if device == CPU_ONLY else {"device": device}
    return save_tensors(tensors, header)


def save_checkpoint(
    path: str | os.PathLike[str], state: TrainState, config: TrainConfig, *more: Any, **named: Any
) -> None:
    """Write checkpoint_bytes of these arguments: to a temporary name first, so that no half file is ever left at path."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(checkpoint_bytes(state, config, *more, **named))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint file; CheckpointError says in one sentence why a file is refused."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise CheckpointError(
                f"{path.name} is larger than {LARGEST >> 20} MiB, more than any checkpoint of this app."
            )
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        tensors = load_tensors(path.read_bytes())
    except OSError as reason:
        raise CheckpointError(f"{path.name} cannot be read: {reason.strerror or 'it is no file'}.") from None
    except (SafetensorError, KeyError, ValueError, RuntimeError):  # the latter of kinds of numbers that torch has not
        raise CheckpointError(
            f"{path.name} is not a readable safetensors file: it is damaged, or something else."
        ) from None
    return _checked(path.name, header, tensors)


# ---- What a file may say -----------------------------------------------------------------------------------------


def _checked(name: str, header: Mapping[str, str], tensors: dict[str, Tensor]) -> Checkpoint:
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{name} was not written by this app: its header does not say format = {FORMAT}.")
    if header.get("version") != str(VERSION):
        raise CheckpointError(f"{name} has version {short(header.get('version'))}; this app reads version {VERSION}.")
    try:
        settings = decoded("config", header.get("config"))
        threads = written_whole("threads", header.get("threads"), 1, 4096)
        step = written_whole("step", header.get("step"), 0, 10**12 - 1)
        device = one_of("device", header.get("device", CPU_ONLY), KINDS)
        metrics, last = (decoded(field, header.get(field, "null")) for field in ("metrics", "last_epoch"))
    except SettingError as reason:
        raise CheckpointError(f"{name} has a damaged header: {reason}") from None
    try:
        config = TrainConfig.from_dict(settings)
    except VaeError as reason:
        raise CheckpointError(f"{name} has settings that this app does not take: {reason}") from None
    parts = _parts(name, tensors)
    subset = _checked_subset(name, config, parts.pop(_SUBSET))
    if parts["first"] or parts["second"]:
        parts = {part: _checked_tensors(name, config, part, held, _TRAINED_ON) for part, held in parts.items()}
    else:
        parts["weights"] = _checked_tensors(name, config, "weights", parts["weights"], _LOOKED_AT)
    try:
        whole("step", step, 0, config.total_steps)
        metrics = None if metrics is None else _evaluation(config, metrics)
        last = None if last is None else _last_epoch(last)
    except SettingError as reason:
        raise CheckpointError(f"{name} has a damaged header: {reason}") from None
    return Checkpoint(TrainState(step, **parts), config, metrics, threads, last, subset, device)


def _evaluation(config: TrainConfig, value: object) -> Evaluation:
    held = record("metrics", value, (f.name for f in fields(Evaluation)))
    measured = config.loss_record().origin("sigma") == "batch"
    if measured != (held["sigma"] is not None):
        told = "a number is accepted" if measured else "null is accepted, as the loss measures no sigma"
        raise SettingError("metrics.sigma", held["sigma"], told)
    return Evaluation(
        whole("metrics.images", held["images"], 1, find_source(config.dataset).n_test),
        number("metrics.reconstruction", held["reconstruction"]),
        numbers("metrics.kl_per_dim", held["kl_per_dim"], config.latent_dim, LEAST_KL),
        number("metrics.sigma", held["sigma"], SMALLEST_SIGMA) if measured else None,
    )


def _last_epoch(value: object) -> LastEpoch:
    held = record("last_epoch", value, (f.name for f in fields(LastEpoch)))
    low = {"kl": LEAST_KL}
    return LastEpoch(**{k: number(f"last_epoch.{k}", v, low.get(k, -math.inf)) for k, v in held.items()})


def _parts(name: str, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The tensors by the part of a checkpoint that they belong to, and their names there."""
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in (*_PARTS, _SUBSET)}
    for key, tensor in tensors.items():
        part, _, tensor_name = key.partition(".")
        if part not in parts:
            raise CheckpointError(f"{name} holds a tensor {short(key)}, which no checkpoint of this app has.")
        parts[part][tensor_name] = tensor
    return parts


def _checked_tensors(
    name: str, config: TrainConfig, part: str, tensors: dict[str, Tensor], accepted: tuple[torch.dtype, ...]
) -> dict[str, Tensor]:
    """Tensors of the config's names and shapes and of these kinds of numbers, as float32."""
    with torch.device("meta"):
        expected = {key: tuple(t.shape) for key, t in config.build_model().state_dict().items()}
    found = {key: tuple(t.shape) for key, t in tensors.items()}
    if found != expected:
        wrong = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))[0]
        raise CheckpointError(
            f"{name} does not fit its own settings: {part}.{wrong[:60]} has shape {found.get(wrong)}, "
            f"expected is {expected.get(wrong)}."
        )
    for key, tensor in tensors.items():
        if tensor.dtype not in accepted:
            kinds = ", ".join(map(_kind, accepted))
            raise CheckpointError(f"{name} holds {part}.{key} as {_kind(tensor.dtype)}; accepted there: {kinds}.")
        if not bool(torch.isfinite(tensor.float()).all()):
            raise CheckpointError(f"{name} holds values in {part}.{key} that are not finite float32 numbers.")
    return {key: tensor.float() for key, tensor in tensors.items()}


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _checked_subset(name: str, config: TrainConfig, tensors: dict[str, Tensor]) -> Subset | None:
    if not tensors:
        return None
    source = find_source(config.dataset)
    n = subset_size(config)
    expected = {
        "mu": ((n, config.latent_dim), torch.float32),
        "log_var": ((n, config.latent_dim), torch.float32),
        "labels": ((n,), torch.int64),
        "reconstructions": ((n, *config.shape), torch.uint8),
        "losses": ((n,), torch.float32),
    }
    found = {key: (tuple(t.shape), t.dtype) for key, t in tensors.items()}
    if {"labels": expected["labels"]} | found != expected:
        wrong = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))[0]
        told, wanted = (_told(held.get(wrong)) for held in (found, expected))
        raise CheckpointError(
            f"{name} has a test subset that does not fit its settings: subset.{wrong[:40]} is {told}, expected is {wanted}."
        )
    for key in ("mu", "log_var", "losses"):
        if not bool(torch.isfinite(tensors[key]).all()):
            raise CheckpointError(f"{name} holds values in subset.{key} that are not finite.")
    labels = tensors.pop("labels", None)
    if labels is not None and not bool(((labels >= 0) & (labels < len(source.classes))).all()):
        raise CheckpointError(
            f"{name} holds labels in subset.labels from {labels.min()} to {labels.max()}, and {source.title} has "
            f"{len(source.classes)} classes, from 0 on."
        )
    subset = Subset(labels=labels, **tensors)
    if not bool(torch.isfinite(subset.kl).all()):
        raise CheckpointError(f"{name} holds codes in subset.mu and subset.log_var whose KL is not finite.")
    return subset


def _told(held: tuple[tuple[int, ...], torch.dtype] | None) -> str:
    return "absent" if held is None else f"{_kind(held[1])} {held[0]}"
