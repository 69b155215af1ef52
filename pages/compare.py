"""Trained models side by side under every loss and measure: controls, compute, show."""

from vae.ui.shell import headline

headline("Compare models", "Every model under every loss, and under measures that belong to no loss.")
