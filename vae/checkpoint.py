"""A trained model as one safetensors file: weights, config, metrics, and Adam's moments or a test subset as the model
sees it. Nothing is ever unpickled.

https://github.com/huggingface/safetensors: a JSON header and raw numbers; the config fits in the header's metadata.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from vae.config import TrainConfig
from vae.errors import CheckpointError, VaeError
from vae.evaluation import Evaluation
from vae.model import VAE
from vae.subset import Subset
from vae.training import TrainState, model_of

FORMAT, VERSION = "vae-loss-lab", 1
LARGEST = 1 << 30  # bytes
_PARTS = ("weights", "first", "second")  # the fields of TrainState that hold tensors
_SUBSET = "subset"


@dataclass(frozen=True)
class LastEpoch:
    """Means over the steps of a training's last epoch, nats per image."""

    reconstruction: float
    kl: float
    objective: float


@dataclass(frozen=True)
class Checkpoint:
    """What load_checkpoint returns. metrics: the evaluation stored with it, if any; threads: torch's count in training.

    A file for looking at, not for training on, has no moments in its state, and may hold a subset of the test set.
    """

    state: TrainState
    config: TrainConfig
    metrics: Evaluation | None
    threads: int
    last_epoch: LastEpoch | None = None
    subset: Subset | None = None

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
    return save_tensors(tensors, header)


def save_checkpoint(path: str | os.PathLike, state: TrainState, config: TrainConfig, *more, **named) -> None:
    """Write checkpoint_bytes of these arguments: to a temporary name first, so that no half file is ever left at path."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(checkpoint_bytes(state, config, *more, **named))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: str | os.PathLike) -> Checkpoint:
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
        raise CheckpointError(f"{path.name} cannot be read: {reason.strerror or reason}.") from None
    except SafetensorError as reason:
        raise CheckpointError(f"{path.name} is not a readable safetensors file: {reason}.") from None
    return _checked(path.name, header, tensors)


def _checked(name: str, header: Mapping[str, str], tensors: dict[str, Tensor]) -> Checkpoint:
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{name} was not written by this app: its header does not say format = {FORMAT}.")
    if header.get("version") != str(VERSION):
        raise CheckpointError(f"{name} has version {header.get('version')!r}; this app reads version {VERSION}.")
    try:
        config = TrainConfig.from_json(header["config"])
        step, threads = int(header["step"]), int(header["threads"])
        if not 0 <= step <= config.total_steps or threads < 1:
            raise ValueError(f"step {step}, threads {threads}")
        metrics = json.loads(header["metrics"])
        metrics = Evaluation(**metrics | {"kl_per_dim": tuple(metrics["kl_per_dim"])}) if metrics else None
        last = json.loads(header.get("last_epoch", "null"))
        last = LastEpoch(**last) if last else None
    except VaeError as reason:
        raise CheckpointError(f"{name} has settings that this app does not take: {reason}") from None
    except (KeyError, TypeError, ValueError) as reason:
        raise CheckpointError(f"{name} has a damaged header: {reason!r}.") from None
    parts = {part: {} for part in (*_PARTS, _SUBSET)}
    for key, tensor in tensors.items():
        part, _, tensor_name = key.partition(".")
        if part not in parts:
            raise CheckpointError(f"{name} holds a tensor {key!r}, which no checkpoint of this app has.")
        parts[part][tensor_name] = tensor
    subset = _checked_subset(name, config, parts.pop(_SUBSET))
    if not parts["first"] and not parts["second"]:
        _check_tensors(name, config, {"weights": parts["weights"]})
        parts["weights"] = {key: tensor.float() for key, tensor in parts["weights"].items()}
    else:
        _check_tensors(name, config, parts)
    return Checkpoint(TrainState(step, **parts), config, metrics, threads, last, subset)


def _check_tensors(name: str, config: TrainConfig, parts: dict[str, dict[str, Tensor]]) -> None:
    """Names, shapes and finite values; half precision only in files without moments."""
    accepted = (torch.float32,) if len(parts) > 1 else (torch.float32, torch.float16)
    with torch.device("meta"):
        expected = {key: tuple(t.shape) for key, t in config.build_model().state_dict().items()}
    for part, tensors in parts.items():
        found = {key: tuple(t.shape) for key, t in tensors.items()}
        if found != expected:
            wrong = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))[0]
            raise CheckpointError(
                f"{name} does not fit its own settings: {part}.{wrong} has shape {found.get(wrong)}, "
                f"expected is {expected.get(wrong)}."
            )
        for key, tensor in tensors.items():
            if tensor.dtype not in accepted or not bool(torch.isfinite(tensor).all()):
                raise CheckpointError(f"{name} holds values in {part}.{key} that are not finite float32 numbers.")


def _checked_subset(name: str, config: TrainConfig, tensors: dict[str, Tensor]) -> Subset | None:
    if not tensors:
        return None
    n = len(tensors["mu"]) if "mu" in tensors and tensors["mu"].dim() else 0
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
        raise CheckpointError(
            f"{name} has a test subset that does not fit its settings: {wrong} is {found.get(wrong)}."
        )
    for key in ("mu", "log_var", "losses"):
        if not bool(torch.isfinite(tensors[key]).all()):
            raise CheckpointError(f"{name} holds values in subset.{key} that are not finite.")
    return Subset(**({"labels": None} | tensors))
