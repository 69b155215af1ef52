"""What a browser is given and shows again: signed, so that only what was issued here is believed."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from itsdangerous import BadSignature, TimestampSigner

from vae.door.rules import Rules, plain

STUDENT, LECTURER = ROLES = ("student", "lecturer")
OWNER_COOKIE, PASS_COOKIE = "vae_owner", "vae_pass"
OWNER_SECONDS, PASS_SECONDS = 30 * 86400, 12 * 3600


class Passes:
    """secret: of the process, else of all app servers behind one address."""

    def __init__(self, rules: Rules, secret: bytes):
        self.rules = rules
        # Another code is another pass: whoever came in by the last one is asked again.
        of_codes = hmac.digest(secret, f"{rules.code}\n{rules.key}".encode(), "sha256")
        self._owners = TimestampSigner(secret, salt="owner", digest_method=hashlib.sha256)
        self._passes = TimestampSigner(of_codes, salt="pass", digest_method=hashlib.sha256)

    def new_owner(self) -> str:
        """A cookie's value that names a browser which has none."""
        return self._owners.sign(secrets.token_hex(16)).decode()

    def owner_of(self, cookie: str) -> str:
        """The name that a cookie holds, 32 hexadecimal digits; "" where it was not issued here."""
        return _read(self._owners, cookie, OWNER_SECONDS)

    def admit(self, code: str) -> str:
        """A pass for whoever typed this, "" if it opens nothing. The time it takes says nothing about the right one."""
        typed = plain(code)[:200].encode()
        found = [
            role
            for role, right in ((STUDENT, self.rules.code), (LECTURER, self.rules.key))
            if hmac.compare_digest(typed, plain(right).encode()) & bool(right)
        ]
        return self._passes.sign(found[-1]).decode() if found else ""

    def role_of(self, cookie: str) -> str:
        """STUDENT, LECTURER, or "" for who has to say the code first."""
        if self.rules.private:
            return LECTURER
        role = _read(self._passes, cookie, PASS_SECONDS)
        return role if role in ROLES else "" if self.rules.code else STUDENT


def _read(signer: TimestampSigner, cookie: str, seconds: int) -> str:
    try:
        return signer.unsign(cookie, max_age=seconds).decode()
    except (BadSignature, UnicodeError):
        return ""
