"""What the door accepts and signs, as this server was started."""

from __future__ import annotations

import os
import secrets
from functools import cache
from pathlib import Path

import streamlit as st

from vae.door import LECTURER, Passes, Rules
from vae.door.passes import PASS_COOKIE

SECRET = Path(__file__).parents[3] / "sweeps" / ".secret"


@cache
def rules() -> Rules:
    option = st.get_option
    address = option("server.address") or "0.0.0.0"
    return Rules.of(os.environ, address, option("server.baseUrlPath"), option("server.maxUploadSize"))


@cache
def passes() -> Passes:
    return Passes(rules(), signing_secret())


@cache
def signing_secret() -> bytes:
    """What signs whatever this server gives out and shall know again."""
    return secret(Path(os.environ.get("VAE_SWEEPS") or SECRET.parent) / SECRET.name)


def secret(path: Path) -> bytes:
    """What signs the browsers' names: of the environment's VAE_SECRET, else kept beside the sweeps, which are found again
    by those names after a restart; else, where nothing can be written, of this process."""
    if given := os.environ.get("VAE_SECRET"):
        return given.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    except OSError:
        return secrets.token_bytes(32)
    try:
        return found if len(found := path.read_bytes()) >= 32 else secrets.token_bytes(32)
    except OSError:
        return secrets.token_bytes(32)


def is_lecturer() -> bool:
    """Whether whoever looks at this page runs the server: sits at it, or has shown the lecturer's key."""
    return passes().role_of(st.context.cookies.get(PASS_COOKIE, "")) == LECTURER
