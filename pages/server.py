"""The server, for who runs it: how it stands, what is under way on it, and a button to stop each."""

from vae.ui.server import page as operations
from vae.ui.shared.keys import is_lecturer
from vae.ui.shared.shell import headline, slots
from vae.ui.shared.words import say

headline("Server", "Who is here, what is under way, and whether the workers work.")
(act,) = slots(1)
with act:
    if is_lecturer():
        operations.show()
    else:
        say("This page is for the lecturer: come in with the lecturer's key in place of the code.", "info")
