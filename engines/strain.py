"""What streams do without while jobs wait too long, in the order in which it hurts least. Pure."""

from enum import IntEnum


class Strain(IntEnum):
    """How much there is to do; each includes those before it. Past the last one new streams are refused."""

    NONE = 0
    SLOW_PARTIALS = 1
    NO_PARTIALS = 2
    NO_SPECULATION = 3

    @classmethod
    def at(cls, wait_s: float) -> "Strain":
        """How strained a service is where a job that somebody waits for has to wait so long."""
        return max(level for level, from_s in _FROM_S.items() if wait_s >= from_s)


_FROM_S = {
    Strain.NONE: 0.0,
    Strain.SLOW_PARTIALS: 0.1,
    Strain.NO_PARTIALS: 0.25,
    Strain.NO_SPECULATION: 0.5,
}
