"""Receipts: what a student passed, signed by the server that checked it, as a text that is handed in and read again.

A receipt is a block of lines "field: value" under its heading; a file may hold many. The signature covers every line above it,
so that none can be changed, and is made with the server's own secret: another server's receipts are not genuine here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from itsdangerous import Signer

from vae.errors import VaeError
from vae.lesson.exercises import EXERCISES
from vae.lesson.progress import Passed

HEADING = "VAE Loss Lab: receipt of an exercise"
FIELDS = ("name", "exercise", "reached", "link", "passed")
SIGNATURE = "signature"
LONGEST_NAME = 60
LONGEST = 400_000  # characters of one text
MOST = 1000  # receipts of one text


class ReceiptError(VaeError):
    """Why a name or a text cannot be used."""


@dataclass(frozen=True)
class Receipt:
    """passed: the date, as text. genuine: whether this server signed exactly that."""

    name: str
    exercise: str
    reached: str
    link: str
    passed: str
    genuine: bool


class Receipts:
    """Signs and checks. secret: the server's, the same for several app servers."""

    def __init__(self, secret: bytes):
        self._signer = Signer(secret, salt="receipt", digest_method=hashlib.sha256)

    def write(self, name: str, passed: Mapping[str, Passed]) -> str:
        """A text with a receipt of each exercise, in their order. ReceiptError where the name is none."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise ReceiptError(f"A receipt needs a name, of at most {LONGEST_NAME} characters: yours has {len(name)}.")
        return "\n".join(self._block(name, key, passed[key]) for key in EXERCISES if key in passed)

    def _block(self, name: str, key: str, how: Passed) -> str:
        values = (name, key, " ".join(how.said.split()), how.link, how.when.strftime("%Y-%m-%d %H:%M UTC"))
        lines = [f"{field}: {value}" for field, value in zip(FIELDS, values)]
        return "\n".join((HEADING, *lines, f"{SIGNATURE}: {self._sign(values)}", ""))

    def check(self, text: str) -> list[Receipt]:
        """Every receipt in a text. ReceiptError where there is none, or it is too long to be read."""
        return [self._checked(*values) for values in read(text)]

    def _checked(self, name: str, exercise: str, reached: str, link: str, passed: str, signature: str) -> Receipt:
        signed = self._sign((name, exercise, reached, link, passed))
        return Receipt(name, exercise, reached, link, passed, hmac.compare_digest(signed.encode(), signature.encode()))

    def _sign(self, values: Iterable[str]) -> str:
        return self._signer.get_signature("\n".join(values)).decode()


def read(text: str) -> list[list[str]]:
    """The values of FIELDS and the signature of every receipt in a text, whatever its line ends and blank lines."""
    if len(text) > LONGEST:
        raise ReceiptError(f"This text has {len(text):,} characters; at most {LONGEST:,} are read at once.")
    blocks = [block.splitlines() for block in re.split(rf"^[ \t]*{HEADING}[ \t]*\r?$", text, flags=re.MULTILINE)[1:]]
    if not blocks:
        raise ReceiptError(f"No receipt is in this text: each begins with “{HEADING}”.")
    if len(blocks) > MOST:
        raise ReceiptError(f"This text has {len(blocks):,} receipts; at most {MOST:,} are read at once.")
    return [[_value(block, field) for field in (*FIELDS, SIGNATURE)] for block in blocks]


def _value(block: Iterable[str], field: str) -> str:
    """What stands behind "field:" in its first line; "" where there is none, and the signature then does not fit."""
    found = (match[1] for line in block if (match := re.match(rf"\s*{field}:(.*)", line)))
    return next(found, "").strip()


def receipts_of(sources: Mapping[str, bytes], checked: Receipts) -> tuple[list[tuple[str, Receipt]], list[str]]:
    """(what it came from, receipt) of many files, and a sentence on each that cannot be used, which names it."""
    found: list[tuple[str, Receipt]] = []
    problems: list[str] = []
    for name, content in sources.items():
        try:
            found += [(name, receipt) for receipt in checked.check(content.decode())]
        except UnicodeDecodeError:
            problems.append(f"{name}: this file is no text; a receipt as this page gives it is accepted.")
        except ReceiptError as reason:
            problems.append(f"{name}: {reason}")
    return found, problems
