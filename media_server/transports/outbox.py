"""Messages that wait until the other side reads them: so many, and no more."""

import asyncio
from collections import deque

MAX_WAITING = 1000
MAX_WAITING_CHARACTERS = 1 << 20
"""In all of them together."""


class Outbox:
    """Texts on their way, in the order in which they were put in. One task gets them out."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._characters = 0
        self._news = asyncio.Event()
        self._ended = False

    def put(self, text: str) -> bool:
        """Add a text; False where there is no room, since nobody reads."""
        if len(self._texts) >= MAX_WAITING or self._characters + len(text) > MAX_WAITING_CHARACTERS:
            return False
        self._texts.append(text)
        self._characters += len(text)
        self._news.set()
        return True

    async def get(self) -> str | None:
        """The oldest; None at the end, once all are out."""
        while not self._texts:
            if self._ended:
                return None
            self._news.clear()
            await self._news.wait()
        text = self._texts.popleft()
        self._characters -= len(text)
        return text

    def end(self) -> None:
        """No more come; those that wait are still given out."""
        self._ended = True
        self._news.set()

    def close(self) -> None:
        """Nobody reads any more."""
        self._texts.clear()
        self._characters = 0
        self.end()
