"""Real bugs of real programs: their symptoms, a guess, cause and cure."""

from vae.ui.shell import headline

headline("Bug zoo", "A broken VAE and its symptoms. What is wrong with it?")
