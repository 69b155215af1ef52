"""`make run` for this machine alone, `make serve` for a class: what is said before the app starts, and what opens it."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from vae.door.rules import EVERYWHERE, LOOPBACK, outward_address

APP = Path(__file__).parents[1] / "streamlit_app.py"
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read for another


def codes(environment: Mapping[str, str]) -> dict[str, str]:
    """The access code and the lecturer's key, made here where the environment has none."""
    return {
        "VAE_CODE": environment.get("VAE_CODE") or _code(2),
        "VAE_KEY": environment.get("VAE_KEY") or _code(5),
    }


def _code(groups: int) -> str:
    return "-".join("".join(secrets.choice(SIGNS) for _ in range(4)) for _ in range(groups))


def notice(host: str, port: str, codes: Mapping[str, str]) -> str:
    """The lines to print for an app that listens on host:port."""
    shown = outward_address() if host in EVERYWHERE else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    if codes:
        return (
            f"VAE Loss Lab for a class: give out {address}\n"
            f"Access code for the class:   {codes['VAE_CODE']}\n"
            f"Your own key as a lecturer:  {codes['VAE_KEY']}   (typed in place of the code; keep it to yourself)\n"
            "What is typed and shown goes over the network as it is, unless a proxy in front encrypts it: SECURITY.md."
        )
    if host in LOOPBACK:
        return f"VAE Loss Lab: {address} (this machine only; 'make serve' serves a class)"
    return (
        f"VAE Loss Lab: give out {address}\n"
        "Warning: everybody on this network can open the app and train on this machine. 'make serve' asks for a code."
    )


def main(arguments: list[str]) -> None:
    """Say it, and become the app. Arguments: "serve" for a class; the environment's HOST and PORT say where."""
    serve = arguments == ["serve"]
    host, port = os.environ.get("HOST") or ("0.0.0.0" if serve else LOOPBACK[0]), os.environ.get("PORT") or "8501"
    found = codes(os.environ) if serve else {}
    print(notice(host, port, found), flush=True)
    command = [sys.executable, "-m", "streamlit", "run", str(APP), f"--server.address={host}", f"--server.port={port}"]
    if host in EVERYWHERE:  # else Streamlit asks a server on the internet what this machine's address is
        command.append(f"--browser.serverAddress={outward_address()}")
    os.execve(sys.executable, command, os.environ | found)


if __name__ == "__main__":
    main(sys.argv[1:])
