"""What a browser is told about every answer: where scripts may come from, and who may show the app."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping

from vae.door.rules import Rules


def inline_scripts(page: str) -> list[str]:
    """The hashes of the scripts that stand in a page's own text, as a content security policy names them."""
    found = re.findall(r"<script>(.*?)</script>", page, re.S)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in found]


def headers(rules: Rules, scripts: Iterable[str] = ()) -> Mapping[str, str]:
    """Headers of every answer. scripts: hashes of inline scripts that may run.

    Streamlit's front end sets styles of its own making and runs components from blobs; Plotly compiles the functions that
    draw many points, hence eval. No other server is ever asked.
    """
    policy = {
        "default-src": ["'self'"],
        "script-src": ["'self'", "blob:", "'unsafe-eval'", *scripts],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'", "data:"],
        "media-src": ["'self'", "data:", "blob:"],
        "worker-src": ["'self'", "blob:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'", *rules.frames] if rules.frames else ["'none'"],
    }
    return {
        "content-security-policy": "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        **({} if rules.frames else {"x-frame-options": "DENY"}),
    }
