"""No answer is lost: a mend of Streamlit 1.67, which drops what a run has put out if another request comes at its very end.

When a run has ended, and the server's loop has not yet taken over its messages, a request for a part of the page makes
AppSession start another run and ignore whatever the first one still has to say (its comment names streamlit#9921). Then a
button seems not to have been pressed, or a part that refreshes by itself stands still, as its next beat was in what was
dropped. Here the other run waits until the first one's messages are taken over, which is a matter of milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable

from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner import RerunData

WAIT = 0.002  # seconds

Create = Callable[[AppSession, RerunData], None]


def patient(create: Create) -> Create:
    """AppSession._create_scriptrunner, which is called where there is no runner, or one that takes no more requests."""

    def created(session: AppSession, request: RerunData) -> None:
        if session._scriptrunner is None:
            create(session, request)
        else:
            session._event_loop.call_later(WAIT, again, session, request)

    def again(session: AppSession, request: RerunData) -> None:
        runner = session._scriptrunner
        if session._state != AppSessionState.SHUTDOWN_REQUESTED and not (runner and runner.request_rerun(request)):
            created(session, request)

    return created


def keep() -> None:
    """Mend this process. Called once."""
    AppSession._create_scriptrunner = patient(AppSession._create_scriptrunner)
