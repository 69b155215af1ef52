"""Sweeps: controls, compute, show."""

from vae.ui.shell import headline

headline("Lab", "A grid of losses, betas, latent dimensions and seeds, trained as a batch, with what can be said of the differences.")
