"""The link by which a class joins, as other machines reach this server."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from vae.door.rules import LOOPBACK, outward_address


def way_in(code: str) -> str:
    """The Class page's address with the code. A lecturer who looks at this server on the machine itself gives out its
    address on the network, if it listens there."""
    seen = urlsplit(st.context.url or "")
    host = seen.hostname or LOOPBACK[0]
    if host in LOOPBACK and not _only_here():
        host = outward_address()
    host = f"[{host}]" if ":" in host else host
    port = seen.port or (None if seen.scheme else st.get_option("server.port"))
    base = st.get_option("server.baseUrlPath").strip("/")
    path = f"/{base}/classroom" if base else "/classroom"
    return f"{seen.scheme or 'http'}://{host}{f':{port}' if port else ''}{path}?class={code}"


def notice() -> str | None:
    """What a lecturer must know before giving the link out."""
    return "Only this machine can open the link: start the app with make serve." if _only_here() else None


def _only_here() -> bool:
    return st.get_option("server.address") in LOOPBACK
