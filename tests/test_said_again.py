"""What a user moves is theirs: a refresh that was under way meanwhile does not put a control back where it was."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from vae.ui.advisor import page as advisor
from vae.ui.compare import matrix
from vae.ui.compare import models as compared
from vae.ui.latent.state import PARTS
from vae.ui.shared import engine, shell
from vae.ui.surfaces.state import PARTS as SURFACE_PARTS

PAGES = Path(__file__).parents[1] / "pages"


def told(node) -> list[str]:
    """The controls below a node of the page that the server moves, and that a user could have moved meanwhile."""
    proto = getattr(node, "proto", None)
    own = [proto.label] if getattr(proto, "set_value", False) and not proto.disabled else []
    return own + [label for child in getattr(node, "children", {}).values() for label in told(child)]


@pytest.mark.parametrize(
    ("page", "query"),
    [("lecture", {}), ("lecture", {"predict": "yes"}), ("kl", {}), ("compare", {}), ("zoo", {}), ("advisor", {"dataset": "digits"})]
    + [("surfaces", {"part": part, "form": form}) for part in SURFACE_PARTS for form in ("surface", "section")]
    + [("latent", {"part": part, "model": "digits-bce-z8", "beside": "digits-mse-z2", "moves": "1"}) for part in PARTS],
)  # fmt: skip
def test_a_refresh_says_no_control_again(monkeypatch, tmp_path, page, query):
    monkeypatch.setenv("VAE_DATA", str(tmp_path))
    monkeypatch.setattr(shell, "headline", lambda *_: None)
    for module in (engine, advisor, matrix, compared):
        monkeypatch.setattr(module, "starter", lambda: SimpleNamespace(engine=None, problem=""))
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60)
    app.query_params.update(query)
    app.session_state["owner"] = "0" * 32
    app.run()
    assert not app.exception and told(app._tree)  # at first each says where it stands
    app.run()
    assert not app.exception and told(app._tree) == []
