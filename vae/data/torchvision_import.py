"""The one place that imports torchvision, of which only data sets are used.

Its Linux wheel is built for CUDA. Beside a CPU-only torch its import stops with "operator torchvision::nms does not
exist", because it registers fake kernels for two compiled operators that could not load. Declaring the two schemas
first lets it import; neither operator is ever called. The library object must stay alive.
"""

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def _declare_missing_operators() -> torch.library.Library | None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _SCHEMAS:
            library.define(schema)
        return library
    return None


_library = _declare_missing_operators()

from torchvision import datasets as datasets  # noqa: E402
