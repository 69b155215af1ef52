"""A request that comes at the very end of a run does not make the server forget what the run has put out."""

import asyncio
import inspect
from types import SimpleNamespace

from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests

from tests.own_loop import run
from vae.ui.shared.answers import patient

BEAT = RerunData(fragment_id="tally")


def ended() -> ScriptRequests:
    """The requests of a run that takes no more of them."""
    requests = ScriptRequests()
    requests.on_scriptrunner_ready()
    assert not requests.request_rerun(BEAT)
    return requests


def asked_while_messages_wait(then, state=AppSessionState.APP_NOT_RUNNING) -> list:
    """What is created, where `then` becomes of the runner after the loop has taken over what it said."""
    created = []
    create = patient(lambda session, request: created.append((session._scriptrunner, request)))

    async def play() -> None:
        session = SimpleNamespace(_scriptrunner=ended(), _event_loop=asyncio.get_running_loop(), _state=state)
        create(session, BEAT)
        await asyncio.sleep(0.02)
        assert not created
        session._scriptrunner = then
        await asyncio.sleep(0.05)

    run(play())
    return created


def test_another_run_waits_until_the_first_ones_messages_are_taken_over():
    assert asked_while_messages_wait(then=None) == [(None, BEAT)]


def test_a_run_that_began_meanwhile_takes_the_request():
    going = ScriptRequests()
    assert asked_while_messages_wait(then=going) == []
    assert going.on_scriptrunner_ready().rerun_data.fragment_id_queue == ["tally"]


def test_nothing_is_created_for_a_session_that_is_closed():
    assert asked_while_messages_wait(then=None, state=AppSessionState.SHUTDOWN_REQUESTED) == []


def test_streamlit_is_the_one_that_is_mended():
    """The method is there and called as it was: with a new Streamlit, look whether the mend is still needed."""
    assert "self._create_scriptrunner(rerun_data)" in inspect.getsource(AppSession.request_rerun)
