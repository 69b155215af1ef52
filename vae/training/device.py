"""Where trainings are computed: on this machine's processors, or on a card. No setting of a training: within rounding, its
curve is the same everywhere.

Whether there is a card is asked without touching it (NVML), as a process that has once used CUDA cannot be forked; whoever
forks workers never asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import torch

from vae.errors import SettingError, VaeError
from vae.events import event

T = TypeVar("T")

AUTO, CPU_ONLY, CUDA, MPS = "auto", "cpu", "cuda", "mps"
KINDS = (CPU_ONLY, CUDA, MPS)
DEVICES = (AUTO, *KINDS)
CPU = torch.device("cpu")

os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")


class DeviceError(VaeError):
    """A card whose memory is full, or that is lost: then nothing more can be had from it in this process."""

    def __init__(self, sentence: str, lost: bool = False):
        self.lost = lost
        super().__init__(sentence)


# ---- Which -------------------------------------------------------------------------------------------------------


def wanted(environment: Mapping[str, str] = os.environ) -> str:
    """VAE_DEVICE, auto where it is not set. SettingError unless it is one of DEVICES."""
    return checked("VAE_DEVICE", environment.get("VAE_DEVICE", "").strip() or AUTO)


def checked(field: str, name: str) -> str:
    """The name of a device; SettingError for one that is none, or is not on this machine."""
    if name not in DEVICES:
        raise SettingError(field, name, f"one of {', '.join(DEVICES)} is accepted")
    if name == CUDA and not torch.cuda.is_available():
        raise SettingError(field, name, "on this machine, which has no CUDA device, cpu is accepted")
    if name == MPS and not torch.backends.mps.is_available():
        raise SettingError(field, name, "on this machine, which has no MPS device, cpu is accepted")
    return name


def chosen(name: str) -> torch.device:
    """The device of that name; of "auto", a CUDA card that is there and was not lost, else the CPU (mps only by its name)."""
    if name == AUTO:
        return torch.device(CUDA) if torch.cuda.is_available() and not _lost else CPU
    return torch.device(name)


_lost: list[str] = []  # why this process gave its card up
_here: dict[str, torch.device] = {}  # looking takes milliseconds


def of_this_process() -> torch.device:
    """The one that VAE_DEVICE means here. SettingError as wanted()."""
    text = os.environ.get("VAE_DEVICE", "")
    if text not in _here:
        _here[text] = chosen(wanted())
    return _here[text]


def on_device_of_this_process(act: Callable[[torch.device], T]) -> T:
    """Do it there; where the card does not and "auto" has chosen it, on the CPU. DeviceError where "cuda" was asked for."""
    device = of_this_process()
    try:
        return act(device)
    except DeviceError as reason:
        if wanted() != AUTO:
            raise
        leave(reason)
        return act(CPU)


def is_lost() -> bool:
    """Whether this process has given its card up for good."""
    return bool(_lost)


def leave(reason: DeviceError) -> None:
    """The work goes on without the card: this time, or for good where it is lost."""
    event("device.left", lost=reason.lost)
    if reason.lost:
        _lost.append(str(reason))
        _here.clear()


# ---- What it does ------------------------------------------------------------------------------------------------


def prepare(device: torch.device) -> None:
    """Products and convolutions of float32 are of float32 on a card too, and come out the same each time."""
    if device.type == CUDA:
        torch.backends.cuda.matmul.fp32_precision = "ieee"
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
        torch.backends.cudnn.deterministic = True


@contextmanager
def told_in_a_sentence(forget: Callable[[], object]) -> Iterator[None]:
    """DeviceError in place of what PyTorch raises for a card that is full or lost. forget: lets go of what was kept there."""
    try:
        yield
    except RuntimeError as reason:
        error = _error_of(reason)
        if error is None:
            raise
        forget()
        raise error from None


def _error_of(reason: RuntimeError) -> DeviceError | None:
    text = str(reason)
    if isinstance(reason, torch.OutOfMemoryError) or "ALLOC_FAILED" in text or "MPS backend out of memory" in text:
        return DeviceError(
            "The GPU's memory is full: a smaller batch or narrower layers need less, and with VAE_DEVICE=cpu none is needed."
        )
    if isinstance(reason, torch.AcceleratorError) or any(sign in text for sign in _SIGNS_OF_LOSS):
        first = text.strip().partition("\n")[0][:120].rstrip(".")
        return DeviceError(
            f"The GPU was lost in the middle of a training ({first}): VAE_DEVICE=cpu does without.", True
        )
    return None


_SIGNS_OF_LOSS = ("CUDA error", "CUDA driver error", "cuBLAS", "CUBLAS_STATUS", "cuDNN error", "CUDNN_STATUS", "NVML")
