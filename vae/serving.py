"""What `make run` says before the app starts: the address to give out, and a warning when others can reach it."""

from __future__ import annotations

import os
import socket

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def outward_address() -> str:
    """This machine's address on its network, as a class would type it; no packet is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()


def notice(host: str, port: str) -> str:
    """The lines to print for an app that listens on host:port."""
    if host in LOOPBACK:
        return f"VAE Loss Lab: http://127.0.0.1:{port} (this machine only; 'make run HOST=0.0.0.0' serves a class)"
    shown = outward_address() if host in ("0.0.0.0", "::") else host
    return (
        f"VAE Loss Lab: give out http://{shown}:{port}\n"
        "Warning: everybody on this network can open the app and train on this machine. There is no password and no "
        "encryption; stop it (Ctrl-C) when the class is over."
    )


if __name__ == "__main__":
    print(notice(os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8501")), flush=True)
