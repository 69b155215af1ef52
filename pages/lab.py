"""Sweeps: controls, compute, show."""

from vae.ui.lab import page
from vae.ui.lab.state import STATE
from vae.ui.shared.shell import headline, slots, tell

headline(
    "Lab", "A grid of losses, betas, latent dimensions and seeds, trained as a batch: what differs, and how sure is it?"
)
notices, controls, view = slots(3)

state, problems = STATE.restore()
tell(notices, problems)
page.sidebar(state)
with controls:
    opened = page.controls(state)
with view:
    if opened is not None:
        page.show(opened, state)
STATE.share()
