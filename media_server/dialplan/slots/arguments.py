"""What all slots check of their arguments, and how they read keys. Pure."""

from media_server.dialplan.slots.slot import BEGUN_S, Missing
from media_server.errors import ConfigError

MOST_KEYS = 64
"""Nobody types more in answer to a question."""


def check(slot: str, *, language: str, **facts: bool) -> None:
    """Refuse what a slot cannot be made of; each fact is a name and whether it holds.

    Raises:
        ConfigError: One does not.
    """
    if language.partition("-")[0].lower() != "en":
        raise ConfigError(f'{slot}: it understands English only (language="en"), not {language!r}')
    for name, holds in facts.items():
        if not holds:
            raise ConfigError(f"{slot}: {name.replace('_', ' ')}")


def entry(dtmf: str) -> tuple[str, bool]:
    """The digits of the last entry, and whether "#" ended it; "*" begins an entry anew."""
    *before, last = dtmf[:MOST_KEYS].split("#")
    ended = not last and bool(before)
    keys = (before[-1] if ended else last).rpartition("*")[2]
    return "".join(key for key in keys if "0" <= key <= "9"), ended


def typing(reason: str = "too_short") -> Missing:
    """The caller is in the middle of an entry."""
    return Missing(BEGUN_S, reason, begun=True)
