"""The ELBO's second term and the one place that reduces."""

import pytest
import torch
from torch import distributions

from vae import kl_divergence
from vae.losses.objective import reduce_terms

MU = torch.randn(50, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
LOG_VAR = torch.randn(50, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2


def test_kl_is_torchs():
    q = distributions.Normal(MU, (0.5 * LOG_VAR).exp())
    expected = distributions.kl_divergence(q, distributions.Normal(torch.zeros_like(MU), torch.ones_like(MU)))
    torch.testing.assert_close(kl_divergence(MU, LOG_VAR), expected, atol=1e-6, rtol=0)


def test_kl_is_what_monte_carlo_says():
    mu, log_var = torch.tensor(0.8, dtype=torch.float64), torch.tensor(-1.2, dtype=torch.float64)
    q = distributions.Normal(mu, (0.5 * log_var).exp())
    z = mu + (0.5 * log_var).exp() * torch.randn(
        200_000, generator=torch.Generator().manual_seed(3), dtype=torch.float64
    )
    ratio = q.log_prob(z) - distributions.Normal(0.0, 1.0).log_prob(z)
    error = ratio.std() / len(z) ** 0.5
    assert abs(ratio.mean() - kl_divergence(mu, log_var)) < 4 * error


def test_kl_is_zero_at_the_prior_and_positive_elsewhere():
    zero = torch.zeros(1, 1)
    assert kl_divergence(zero, zero).item() == 0
    assert (kl_divergence(MU, LOG_VAR) > 0).all()
    assert kl_divergence(zero, zero + 1e-4).item() == pytest.approx(0.25e-8, rel=1e-3)  # keeps digits in float32


def test_sums_over_pixels_and_dimensions_means_over_images():
    pixel_loss, kl = torch.rand(4, 1, 3, 3, dtype=torch.float64), torch.rand(4, 2, dtype=torch.float64)
    terms = reduce_terms(pixel_loss, kl, beta=2.5)
    assert terms.reconstruction.item() == pytest.approx(sum(image.sum().item() for image in pixel_loss) / 4)
    assert terms.kl.item() == pytest.approx(sum(row.sum().item() for row in kl) / 4)
    assert terms.objective.item() == pytest.approx((terms.reconstruction + 2.5 * terms.kl).item())


def test_the_mean_over_pixels_is_a_beta_as_many_times_larger():
    pixel_loss, kl = torch.rand(4, 1, 28, 28, dtype=torch.float64), torch.rand(4, 2, dtype=torch.float64)
    mean, summed = reduce_terms(pixel_loss, kl, 1.0, "mean"), reduce_terms(pixel_loss, kl, 784.0, "sum")
    assert 784 * mean.objective.item() == pytest.approx(summed.objective.item())
    assert mean.reconstruction == summed.reconstruction  # what is reported stays in nats per image
