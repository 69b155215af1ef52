"""What the app says, in another language than the code's own English: one catalogue, and what reads it."""

from vae.language.figures import translate_data
from vae.language.translate import CHINESE, ENGLISH, LANGUAGES, preferred, translate, translate_html

__all__ = ["CHINESE", "ENGLISH", "LANGUAGES", "preferred", "translate", "translate_data", "translate_html"]
