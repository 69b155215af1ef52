"""A class on its pages: the lecturer's desk, the seats, and what any page does for somebody who is in a class."""
