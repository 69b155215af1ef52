"""The errors a user may see: each is one sentence that names what was wrong and what is accepted."""


class VaeError(Exception):
    """Base of every error that this package raises on purpose; its text can be shown to a user as it is."""


class SettingError(VaeError, ValueError):
    """A setting that cannot be used. The sentence names the field, the value and what is accepted."""

    def __init__(self, field: str, value: object, accepted: str):
        self.field, self.value, self.accepted = field, value, accepted
        super().__init__(f"{field} = {short(value)} cannot be used: {accepted}.")

    def __reduce__(
        self,
    ) -> tuple[type, tuple[object, ...]]:  # exceptions travel from workers by their constructor arguments
        return type(self), (self.field, self.value, self.accepted)


class DataError(VaeError):
    """A data set that is absent, damaged or cannot be fetched."""


class CheckpointError(VaeError):
    """A checkpoint file that is damaged, foreign or of another version."""


def short(value: object, longest: int = 60) -> str:
    """A value as it would be written in Python, cut."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a whole number of too many digits: from a file
        text = f"a {type(value).__name__}"
    return text if len(text) <= longest else text[: longest - 3] + "..."
