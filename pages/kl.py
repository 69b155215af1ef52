"""Under construction."""

from vae.ui.shell import headline

headline("kl", "")
