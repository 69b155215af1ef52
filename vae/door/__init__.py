"""Who may come in, and with what: the web server's own door, in front of every page, file and socket of the app.

rules.py says what is accepted, passes.py signs what a browser is given to show again, tries.py counts wrong codes, and
entrance.py asks for all of it; behind it, static_files.py hands out the front end's files. SECURITY.md says what is promised.
"""

from vae.door.entrance import Entrance, Visit
from vae.door.passes import LECTURER, STUDENT, Passes
from vae.door.rules import Rules
from vae.door.static_files import KeptFiles, LoadedAhead
from vae.door.tries import Tries

__all__ = ["LECTURER", "STUDENT", "Entrance", "KeptFiles", "LoadedAhead", "Passes", "Rules", "Tries", "Visit"]
