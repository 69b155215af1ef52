"""Which loss for one's data: controls, compute, show."""

from vae.ui.shared.shell import headline

headline("Which loss for my data?", "Three losses raced on your images, and what the numbers say.")
