"""What visitors needed is given back when they have left.

Streamlit keeps a session that lost its connection for two minutes, and lets it go when the next one comes: where none comes
it is there for good. glibc keeps what was freed between what was not, in an arena for each of many threads.
"""

from __future__ import annotations

import asyncio
from typing import Any

from streamlit.runtime import get_instance

from vae.training.memory import trim
from vae.ui.shared import downloads, owner

EVERY_SECONDS = 30.0


def let_go_of_sessions() -> None:
    """Of those that have been away for too long to come back."""
    sessions: Any = get_instance()._session_mgr  # there is no public way: a test looks for the names
    sessions._session_storage._cache.expire()
    owner.forget_who_has_gone()


async def keep_giving_back() -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        let_go_of_sessions()
        downloads.let_go()
        await asyncio.to_thread(trim)
