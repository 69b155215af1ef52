"""Sweeps: controls, compute, show."""

from vae.ui.lab import page
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline(
    "Lab", "A grid of losses, betas, latent dimensions and seeds, trained as a batch: what differs, and how sure is it?"
)
notices, controls, view = slots(3)

look, problems = page.restore()
with notices:
    for problem in problems:
        say(problem, "warning")
page.sidebar(look)
with controls:
    opened = page.controls(look)
with view:
    if opened is not None:
        page.show(opened, look)
page.share()
