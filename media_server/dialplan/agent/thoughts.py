"""What a model thinks aloud (`<think>...</think>` before its answer) is not for the caller. Pure."""

_OPEN, _CLOSE = "<think>", "</think>"


class ThoughtFilter:
    """Text in any pieces; gives back what follows the thoughts that it begins with, if it does."""

    def __init__(self) -> None:
        self._held = ""
        self._decided = False
        self._thought = False
        """It has thought, and nothing was said yet."""

    def feed(self, text: str) -> str:
        """More text; returns what may be said of it."""
        if self._thought:
            text = text.lstrip()
            self._thought = not text
        if self._decided:
            return text
        self._held += text
        begin = self._held.lstrip()
        if begin.startswith(_OPEN):
            _, closed, rest = begin.partition(_CLOSE)
            if not closed:
                self._held = _OPEN + begin[-len(_CLOSE) :]  # however long it thinks, no more of it is kept
                return ""
            self._held, self._decided, self._thought = "", True, not rest.strip()
            return rest.lstrip()
        if _OPEN.startswith(begin):
            return ""
        self._decided = True
        return self._held

    def flush(self) -> str:
        """What was held back, at the end: the beginning of a tag that is none."""
        held, decided, self._decided = self._held, self._decided, True
        return "" if decided or held.lstrip().startswith(_OPEN) else held
