"""Slots for the tests of the verbs, as small as they can be."""

import re
from dataclasses import dataclass
from typing import Any

from media_server.dialplan.slots.slot import Missing, Value


@dataclass(frozen=True, slots=True)
class Code:
    """So many figures, said one by one or pressed."""

    length: int
    secret: bool = False
    open_ended: bool = False
    keyterms: tuple[str, ...] = ("seven",)
    keys_hint: str = "Please type it."

    def feed(self, text: str, dtmf: str = "") -> Missing | Value[str]:
        figures = dtmf.removesuffix("#") or "".join(re.findall(r"\d", text))
        if len(figures) == self.length:
            return Value(figures, open_ended=self.open_ended)
        if len(figures) > self.length:
            return Missing(2.0, "too_long")
        return Missing(3.0, "too_short" if figures else "no_match", begun=bool(figures))

    def spoken(self, value: Any) -> str:
        return " ".join(str(value))
