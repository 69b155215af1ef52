"""What the door accepts, from the environment."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from vae.errors import SettingError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
EVERYWHERE = ("0.0.0.0", "::")
SHORTEST_CODE, SHORTEST_KEY = 6, 16
_NAME = re.compile(r"\*|[a-z0-9_.-]+|[0-9a-f:]+")


@dataclass(frozen=True)
class Rules:
    """hosts: names that the app is asked for by, "*" for any. code: lets a student in, "" where everybody may come.
    key: lets a lecturer in, who sees and stops all runs; "" where nobody is one, but whoever sits at this machine.
    frames: origins that may show the app inside a page of theirs. base: the path that the app lies under, or ""."""

    hosts: tuple[str, ...] = LOOPBACK
    code: str = ""
    key: str = ""
    frames: tuple[str, ...] = ()
    base: str = ""
    private: bool = True  # only this machine reaches it: whoever is here is the lecturer
    upload_bytes: int = 20 * 2**20

    @classmethod
    def of(cls, environment: Mapping[str, str], address: str, base: str = "", upload_megabytes: float = 20) -> Rules:
        """The rules for an app that listens on `address`. SettingError for a value that cannot be used."""
        code, key = environment.get("VAE_CODE", ""), environment.get("VAE_KEY", "")
        for name, text, least in (("VAE_CODE", code, SHORTEST_CODE), ("VAE_KEY", key, SHORTEST_KEY)):
            if text and len(plain(text)) < least:
                raise SettingError(name, text, f"at least {least} letters and digits are accepted")
        named = _list(environment.get("VAE_HOSTS", ""))
        for host in named:
            if not _NAME.fullmatch(host):
                raise SettingError("VAE_HOSTS", host, "names of hosts without scheme and port, or *, are accepted")
        frames = tuple(_list(environment.get("VAE_FRAMES", "")))
        for origin in frames:
            if not re.fullmatch(r"https?://[a-z0-9_.:\[\]-]+", origin):
                raise SettingError("VAE_FRAMES", origin, "origins such as https://school.example are accepted")
        own = LOOPBACK if address in LOOPBACK else (*LOOPBACK, *own_names(address))
        return cls(
            (*own, *named), code, key, frames, base.strip("/") and f"/{base.strip('/')}",
            address in LOOPBACK and not code, int(upload_megabytes * 2**20),
        )  # fmt: skip

    def knows(self, host: str) -> bool:
        """Whether a Host header's value names this app."""
        return "*" in self.hosts or host_name(host) in self.hosts


def plain(code: str) -> str:
    """As people type a code: case, spaces and hyphens do not matter."""
    return re.sub(r"[\s-]", "", code).casefold()


def host_name(host: str) -> str:
    """The name in "name:port"; "" for what is none."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018, raises where it is no port
    except ValueError:
        return ""
    odd = parts.username is not None or parts.path or parts.query or parts.fragment
    return "" if odd or not parts.hostname else parts.hostname.rstrip(".")


def own_names(address: str) -> tuple[str, ...]:
    """What others on the network call this machine, or the one address that it listens on."""
    if address not in EVERYWHERE:
        return (address.lower(),)
    name = socket.gethostname().lower()
    return tuple(dict.fromkeys((outward_address(), name, f"{name}.local")))


def outward_address() -> str:
    """This machine's address on its network, as a class would type it; no packet is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname().lower()


def _list(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",") if part.strip()]
