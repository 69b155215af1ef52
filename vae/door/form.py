"""The one page in front of the door: a field for the code. It needs no script, no picture and no other file."""

from __future__ import annotations

import html

from vae.language import translate_html

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; place-items: center; min-height: 90vh; margin: 0; padding: 1rem; }
main { width: min(22rem, 100%); }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
input, button { font: inherit; width: 100%; box-sizing: border-box; padding: .6rem .8rem; border-radius: .5rem;
  border: 1px solid #888; margin-top: .6rem; }
input { letter-spacing: .1em; }
button { background: #0072B2; border-color: #0072B2; color: #fff; cursor: pointer; }
.problem { color: light-dark(#b00020, #ff8a80); }
"""


def code_form(action: str, to: str, language: str, problem: str = "") -> str:
    """The page that asks for the code, and goes to `to` afterwards."""
    said = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
    return _page(
        "VAE Loss Lab",
        f"""<p><label for="code">The access code is on the lecturer's screen.</label></p>{said}
<form method="post" action="{html.escape(action)}">
<input type="hidden" name="to" value="{html.escape(to)}">
<input id="code" name="code" required maxlength="100" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus>
<button>Come in</button>
</form>""",
        language,
    )


def refusal(sentence: str, language: str) -> str:
    return _page("VAE Loss Lab", f'<p role="alert">{html.escape(sentence)}</p>', language)


def _page(title: str, body: str, language: str) -> str:
    return translate_html(
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>",
        language,
    )
