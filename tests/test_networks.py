"""The networks: shapes for any image, and the programs they stand for."""

import pytest
import torch

from vae.errors import SettingError
from vae.training.config import TrainConfig, multiply_adds
from vae.training.networks import ARCHITECTURES, VAE, layers_of


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (3, 32, 32), (3, 64, 64), (1, 13, 21)])
def test_any_image_shape_comes_back(architecture, shape):
    model = VAE(architecture, shape, 5, (30, 20))
    logits, mu, log_var = model(torch.rand(2, *shape), torch.randn(2, 5))
    assert logits.shape == (2, *shape) and mu.shape == log_var.shape == (2, 5)
    far = model.decode(1000 * torch.randn(8, 5))
    assert far.min() < 0 and far.max() > 1  # logits, not probabilities


def test_the_mlp_is_pytorch_examples_net():
    model = VAE("mlp", (1, 28, 28), 20)
    assert (
        sum(p.numel() for p in model.parameters())
        == 784 * 400 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400 + 400 * 784 + 784
    )
    assert multiply_adds(TrainConfig(dataset="mnist", latent_dim=20)) == 784 * 400 + 2 * 400 * 20 + 20 * 400 + 400 * 784


def test_the_lectures_net_has_the_lectures_layers():
    model = VAE("l17", (1, 28, 28), 2)
    shapes = [tuple(p.shape) for name, p in model.named_parameters() if name.endswith("weight")]
    assert shapes == [
        (32, 1, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3), (64, 64, 3, 3), (2, 3136), (2, 3136),
        (3136, 2), (64, 64, 3, 3), (64, 64, 3, 3), (64, 32, 3, 3), (32, 1, 3, 3),
    ]  # fmt: skip
    by_hand = 9 * (32 * 784 + 32 * 64 * 196 + 64 * 64 * 49 * 2)  # encoder convolutions, per output position
    by_hand += 3 * 2 * 3136 + 9 * (64 * 64 * 49 + 64 * 64 * 49 + 64 * 32 * 169 + 32 * 27 * 27)  # per input position
    assert multiply_adds(TrainConfig(dataset="mnist", architecture="l17")) == by_hand


def test_the_small_conv_net_halves_the_picture_three_times():
    model = VAE("conv", (1, 64, 64), 8)
    assert model.encoder(torch.rand(1, 1, 64, 64)).shape == (1, 128 * 8 * 8)
    by_hand = 16 * (32 * 32**2 + 32 * 64 * 16**2 + 64 * 128 * 8**2)  # each way: per position of the smaller picture
    assert multiply_adds(TrainConfig(dataset="olivetti", architecture="conv", latent_dim=8)) == (
        2 * by_hand + 3 * 8 * 128 * 8 * 8
    )


def test_z_is_mu_plus_sigma_eps():
    model = VAE("mlp", (1, 8, 8), 3)
    x, eps = torch.rand(4, 1, 8, 8), torch.randn(4, 3)
    logits, mu, log_var = model(x, eps)
    torch.testing.assert_close(logits, model.decode(mu + log_var.exp().sqrt() * eps))


def test_an_unknown_architecture_is_refused():
    with pytest.raises(SettingError, match="one of mlp, l17, conv, keras is accepted"):
        VAE("transformer", (1, 8, 8), 2)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_table_of_layers_counts_every_parameter_once_and_follows_the_image(architecture):
    shape = (1, 28, 28)
    model = VAE(architecture, shape, 5, (30, 20), learned_sigma=True)
    layers = layers_of(model, shape)
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in model.parameters())
    names = [layer.name for layer in layers]
    assert len(set(names)) == len(names)
    at = {layer.name: layer.output for layer in layers}
    assert at["mu"] == at["log_var"] == (5,)
    assert names.index("encoder.0") < names.index("mu") < names.index("decoder.0")
    assert [layer.output for layer in layers if layer.name.startswith("decoder")][-1] == shape
    assert not any(module._forward_hooks for module in model.modules())


def test_the_lectures_net_layer_by_layer():
    layers = layers_of(VAE("l17", (1, 28, 28), 2), (1, 28, 28))
    convolutions = [(layer.output, layer.parameters) for layer in layers if layer.kind.startswith("Conv")]
    assert convolutions[:2] == [((32, 28, 28), 32 * 9 + 32), ((64, 14, 14), 64 * 32 * 9 + 64)]
    assert convolutions[-1] == ((1, 29, 29), 32 * 9 + 1)
