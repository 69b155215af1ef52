"""Layers of convolutional nets that are PyTorch's to the number and faster on a processor: activations in place both ways, and
transposed convolutions as what they are, the adjoint of a convolution, two to three times as fast.

oneDNN has fast programs for a convolution and for both of its derivatives, whatever the stride. Its program of a transposed
convolution is slow for a stride of 2, and so is that of its weights' gradient. The three are the same three sums: what a
transposed convolution makes of x is the gradient of a convolution's input where x is that of its output.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Sides = tuple[int, ...]
FEW = 3  # channels of a picture: of so few a convolution is bound by memory, and a product is four times as fast


class ConvTranspose2d(nn.ConvTranspose2d):
    """The same numbers as PyTorch's own, of one group and without dilation."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None and self.groups == 1 and self.dilation == (1, 1) and self.bias is not None
        if x.device.type != "cpu":
            return super().forward(x)
        made: Tensor = _Adjoint.apply(x, self.weight, self._output(x), self.stride, self.padding)
        return made.add_(self.bias[:, None, None])

    def _output(self, x: Tensor) -> Sides:
        """Height and width of what it makes of x."""
        assert isinstance(self.padding, tuple)
        each = zip(x.shape[2:], self.stride, self.padding, self.kernel_size, self.output_padding)
        return tuple((side - 1) * stride - 2 * pad + kernel + more for side, stride, pad, kernel, more in each)


class _Adjoint(torch.autograd.Function):
    """x (B, C, h, w), weight (C, D, kh, kw) -> (B, D, H, W), of which a convolution with that weight makes (B, C, h, w)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, output: Sides, stride: Sides, padding: Sides) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        if stride == (1, 1) and weight.shape[1] <= FEW:
            return _laid_over(x, weight, output, padding)
        innermost = weight.is_contiguous(memory_format=torch.channels_last)
        shape = torch.empty(  # never read: of a convolution's input its gradient needs to know the shape alone
            (len(x), weight.shape[1], *output),
            dtype=x.dtype,
            memory_format=torch.channels_last if innermost else torch.contiguous_format,
        )
        return _derivatives(x, shape, weight, stride, padding, (True, False))[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        d_x = nn.functional.conv2d(d, weight, None, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        d_weight = (
            _derivatives(x, d, weight, ctx.stride, ctx.padding, (False, True))[1] if ctx.needs_input_grad[1] else None
        )
        return d_x, d_weight, None, None, None


def _laid_over(x: Tensor, weight: Tensor, output: Sides, padding: Sides) -> Tensor:
    """A transposed convolution of stride 1: one product for all taps of the kernel, and each laid over at its place."""
    images, channels, height, width = x.shape
    few, down, across = weight.shape[1:]
    flat = x.permute(0, 2, 3, 1).reshape(-1, channels)
    taps = (weight.permute(1, 2, 3, 0).reshape(-1, channels) @ flat.T).view(few, down, across, images, height, width)
    made = x.new_zeros(few, images, height + down - 1, width + across - 1)
    for i in range(down):
        for j in range(across):
            made[:, :, i : i + height, j : j + width] += taps[:, i, j]
    (top, left), (rows, columns) = padding, output
    return (
        made[:, :, top : top + rows, left : left + columns].transpose(0, 1).clone(memory_format=torch.contiguous_format)
    )


class LeakyReLU(nn.LeakyReLU):
    """In place both ways, on a processor: a convolution's outputs are large, and nothing else needs them nor their gradients."""

    def __init__(self, negative_slope: float = 0.01):
        super().__init__(negative_slope, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or not (torch.is_grad_enabled() and x.requires_grad):
            return super().forward(x)
        made: Tensor = _InPlace.apply(x, self.negative_slope)
        return made


class _InPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        ctx.mark_dirty(x)
        nn.functional.leaky_relu_(x, slope)
        ctx.save_for_backward(x)
        ctx.slope = slope
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        (outputs,) = ctx.saved_tensors
        if 0 in d.stride():  # of a plain sum: one number for all
            d = d.clone()
        return torch.ops.aten.leaky_relu_backward.grad_input(d, outputs, ctx.slope, True, grad_input=d), None


def _derivatives(
    d: Tensor, inputs: Tensor, weight: Tensor, stride: Sides, padding: Sides, wanted: tuple[bool, bool]
) -> tuple[Any, Any]:
    """Those of a convolution with respect to its inputs and its weight, where wanted; d: with respect to what it made."""
    found = torch.ops.aten.convolution_backward(
        d, inputs, weight, None, stride, padding, (1, 1), False, (0, 0), 1, (*wanted, False)
    )
    return found[0], found[1]
