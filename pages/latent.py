"""The latent space of a trained model: controls, compute, show."""

from vae.ui.latent import page
from vae.ui.latent.state import STATE
from vae.ui.shared.shell import headline, slots, tell

headline("Latent space", "What a code z means: move it, walk through it, map it, and see what the decoder makes of it.")
notices, controls, part = slots(3)

state, problems = STATE.restore()
tell(notices, problems)
with controls:
    models = page.models(state)
with part:
    if models:
        page.show(models, state)
STATE.share()
