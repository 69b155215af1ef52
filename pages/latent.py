"""The latent space of a trained model: controls, compute, show."""

from vae.ui.latent import page
from vae.ui.shell import headline, slots
from vae.ui.words import say

headline("Latent space", "What a code z means: move it, walk through it, map it, and see what the decoder makes of it.")
notices, controls, part = slots(3)

look, problems = page.restore()
with notices:
    for problem in problems:
        say(problem, "warning")
with controls:
    models = page.models(look)
with part:
    if models:
        page.show(models, look)
page.share()
