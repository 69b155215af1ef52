"""Trained models side by side under every loss and measure: controls, compute, show."""

from vae.ui.compare import page
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline("Compare models", "Every model under every loss, and under measures that belong to no loss.")
notices, controls, part = slots(3)

look, problems = page.restore()
with notices:
    for problem in problems:
        say(problem, "warning")
with controls:
    models = page.models(look)
with part:
    page.show(models, look)
page.share()
