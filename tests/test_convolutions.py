"""Transposed convolutions as the adjoint of a convolution: PyTorch's own numbers and gradients, in every layout."""

import pytest
import torch
from torch import nn

from vae.training.config import TrainConfig
from vae.training.convolutions import ConvTranspose2d, LeakyReLU
from vae.training.networks import ARCHITECTURES

# Channels in and out, kernel, stride, padding, output padding, sides: those of the networks here, and others.
LAYERS = [
    (64, 64, 3, 1, 1, 0, (7, 7)), (64, 64, 3, 2, 1, 0, (7, 7)), (64, 32, 3, 2, 0, 0, (13, 13)), (32, 1, 3, 1, 0, 0, (27, 27)),
    (32, 64, 4, 2, 1, 0, (4, 4)), (32, 3, 3, 1, 1, 0, (9, 12)), (6, 2, (2, 3), 1, (1, 0), 0, (5, 4)), (32, 3, 4, 2, 1, 0, (16, 12)), (64, 64, 3, 2, 1, 1, (7, 7)), (5, 7, (2, 3), (3, 1), (0, 1), (2, 0), (4, 6)),
]  # fmt: skip


def pair(layer, memory_format=torch.contiguous_format):
    before, after, kernel, stride, padding, more, _ = layer
    given = {"stride": stride, "padding": padding, "output_padding": more}
    ours, theirs = ConvTranspose2d(before, after, kernel, **given), nn.ConvTranspose2d(before, after, kernel, **given)
    theirs.load_state_dict(ours.state_dict())
    return ours.to(memory_format=memory_format), theirs.to(memory_format=memory_format)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("layer", LAYERS, ids=str)
@pytest.mark.parametrize("images", [1, 6])
def test_values_and_gradients_are_pytorchs(layer, images, memory_format):
    torch.manual_seed(0)
    ours, theirs = pair(layer, memory_format)
    x = torch.randn(images, layer[0], *layer[-1]).to(memory_format=memory_format)
    found = []
    for module in (ours, theirs):
        inputs = x.clone().requires_grad_()
        made = module(inputs)
        made.backward(torch.sin(torch.arange(made.numel(), dtype=torch.float32)).square().reshape(made.shape))
        found.append((made, inputs.grad, module.weight.grad, module.bias.grad))
        assert module.weight.grad.stride() == module.weight.stride()  # Adam in one pass relies on it
    for mine, reference in zip(*found, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-5, atol=1e-5 * float(reference.detach().abs().max()))
    with torch.inference_mode():
        torch.testing.assert_close(ours(x), found[0][0], rtol=0, atol=0)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_an_activation_in_place_both_ways_is_pytorchs(memory_format):
    x = torch.linspace(-2, 2, 2 * 8 * 5 * 5).reshape(2, 8, 5, 5).to(memory_format=memory_format)
    found = []
    for activation in (LeakyReLU(0.1), nn.LeakyReLU(0.1)):
        leaf = x.clone().requires_grad_()
        made = activation(2 * leaf)
        d = torch.cos(made.detach())
        (made * d).sum().backward()
        plain = x.clone().requires_grad_()
        activation(1 * plain).sum().backward()  # a gradient that is one number for all
        found.append((made.detach(), leaf.grad, plain.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.equal(ours, theirs)
    with torch.inference_mode():
        assert torch.equal(LeakyReLU(0.1)(2 * x), found[0][0])


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    ours = ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1).double()
    x = torch.randn(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, w, b: torch.func.functional_call(ours, {"weight": w, "bias": b}, x), (
        x, ours.weight.detach().requires_grad_(), ours.bias.detach().requires_grad_()
    ))  # fmt: skip


def test_it_is_the_adjoint_of_a_convolution():
    """<conv(y), x> = <y, transposed(x)> for all x and y: what its name says."""
    torch.manual_seed(0)
    ours, _ = pair(LAYERS[2])
    nn.init.zeros_(ours.double().bias)
    x, y = torch.randn(2, 64, 13, 13, dtype=torch.float64), torch.randn(2, 32, 27, 27, dtype=torch.float64)
    down = nn.functional.conv2d(y, ours.weight.detach(), stride=2)
    assert float((down * x).sum()) == pytest.approx(float((y * ours(x).detach()).sum()), rel=1e-10)


@pytest.mark.parametrize("architecture", [key for key in ARCHITECTURES if key != "mlp"])
def test_every_decoder_is_made_of_them(architecture):
    decoder = TrainConfig(architecture=architecture).build_model().decoder
    kinds = [type(layer) for layer in decoder.modules() if isinstance(layer, nn.ConvTranspose2d)]
    assert set(kinds) == {ConvTranspose2d}
