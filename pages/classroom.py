"""The class as one: the lecturer's desk, a seat, or the door to both."""

import streamlit as st

from vae.ui.classroom import desk, door, seat
from vae.ui.shared.keys import is_lecturer
from vae.ui.shared.owner import owner
from vae.ui.shared.shell import headline, page, slots, tell

headline("Class", "Everybody votes once, then the verdict.")
notices, act = slots(2)

room, problems = door.enter()
tell(notices, problems)
with act:
    if room is None:
        door.closed()
    elif room.lecturer == owner():
        desk.show(room)
    else:
        seat.show(room)
    if is_lecturer() and (room is None or room.lecturer == owner()):
        st.page_link(page("server"), label="The server: who is here, and what is under way")
