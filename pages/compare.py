"""Trained models side by side under every loss and measure: controls, compute, show."""

from vae.ui.compare import page
from vae.ui.compare.state import STATE
from vae.ui.shared.shell import headline, slots, tell

headline("Compare models", "Every model under every loss, and under measures that belong to no loss.")
notices, controls, part = slots(3)

state, problems = page.restore()
tell(notices, problems)
with controls:
    models = page.models(state)
with part:
    page.show(models, state)
STATE.share()
