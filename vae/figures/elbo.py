"""The ELBO in one picture, as HTML."""

from vae.figures.kl import TERM_COLOURS
from vae.figures.theme import legible

PICTURE = f"""
<style>
.vae-elbo {{ display: grid; grid-template-columns: 1fr auto 1.35fr auto 1fr auto 1.2fr; gap: 6px 8px; align-items: stretch;
  text-align: center; margin: 4px 0; }}
.vae-elbo .box {{ border: 2px solid rgba(128, 128, 128, 0.5); border-radius: 10px; padding: 22px 6px; }}
.vae-elbo .box b {{ display: block; font-size: 1.35rem; font-family: Georgia, "Times New Roman", serif; font-style: italic; }}
.vae-elbo .box small, .vae-elbo .way small {{ opacity: 0.8; }}
.vae-elbo .way {{ display: flex; flex-direction: column; justify-content: center; font-size: 1.3rem; line-height: 1.1; }}
.vae-elbo .way small {{ font-size: 0.78rem; }}
.vae-elbo .kl {{ border-color: {TERM_COLOURS["kl"]}; }}
.vae-elbo .rec {{ border-color: {TERM_COLOURS["reconstruction"]}; }}
.vae-elbo .term {{ border-radius: 10px; padding: 6px 8px; color: #fff; font-size: 0.92rem; }}
.vae-elbo .term.kl {{ grid-column: 1 / 4; background: {legible(TERM_COLOURS["kl"], "#ffffff")}; }}
.vae-elbo .term.rec {{ grid-column: 5 / 8; background: {legible(TERM_COLOURS["reconstruction"], "#ffffff")}; }}
.vae-elbo .plus {{ font-size: 1.4rem; align-self: center; }}
@media (max-width: 640px) {{
  .vae-elbo {{ grid-template-columns: 1fr; }}
  .vae-elbo .box {{ padding: 5px; }}
  .vae-elbo .arrow {{ transform: rotate(90deg); }}
  .vae-elbo .term.kl, .vae-elbo .term.rec {{ grid-column: 1; }}
}}
</style>
<div class="vae-elbo">
  <div class="box"><b>x</b><small>a picture</small></div>
  <div class="way"><span class="arrow" aria-hidden="true">→</span><small>encoder</small></div>
  <div class="box kl"><b>q(z|x) = N(μ, σ²)</b><small>a small cloud of codes</small></div>
  <div class="way"><span class="arrow" aria-hidden="true">→</span><small>draw</small></div>
  <div class="box"><b>z</b><small>one code</small></div>
  <div class="way"><span class="arrow" aria-hidden="true">→</span><small>decoder</small></div>
  <div class="box rec"><b>p(x|z)</b><small>how likely is x now?</small></div>
  <div class="term kl"><b>KL term:</b> keep the cloud close to N(0, I)</div>
  <div class="plus" aria-label="plus">+</div>
  <div class="term rec"><b>Reconstruction:</b> make x likely again</div>
</div>
"""
