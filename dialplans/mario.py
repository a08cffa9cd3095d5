"""Mario's tables: what stands here for an author's own system. It may be slow, and it may raise."""

import datetime as dt
import secrets
from dataclasses import dataclass, field

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Booking:
    """A table that is taken."""

    ref: str
    people: int
    day: dt.date
    time: dt.time
    phone: str


@dataclass(slots=True)
class Tables:
    """The book, as long as the server runs."""

    booked: list[Booking] = field(default_factory=list)

    async def book(self, people: int, day: dt.date, time: dt.time, phone: str) -> str:
        """Take a table; its number."""
        ref = "".join(secrets.choice(_LETTERS) for _ in range(2)) + f"{secrets.randbelow(90) + 10}"
        self.booked.append(Booking(ref, people, day, time, phone))
        return ref


tables = Tables()
