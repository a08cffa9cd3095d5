"""How much of a context a client was sent, in seconds and to the word. Pure."""

from collections import deque
from collections.abc import Iterable

from engines.ports import SpokenWord

SLACK_S = 0.001
"""Each clause that is brought to another rate is up to half a sample longer or shorter."""


class Delivered:
    """The audio of one context that has been sent, of `bytes_per_s`; and the words in it, which are told before it."""

    def __init__(self, bytes_per_s: int) -> None:
        self._bytes_per_s = bytes_per_s
        self._bytes = 0
        self._waiting: deque[SpokenWord] = deque()
        self.spoken = 0
        """The index behind the last word, in the context's text, whose audio was sent to its end."""

    @property
    def seconds(self) -> float:
        """Of audio."""
        return self._bytes / self._bytes_per_s

    def tell(self, words: Iterable[SpokenWord]) -> None:
        """The words in what comes."""
        self._waiting.extend(words)

    def send(self, audio: bytes) -> None:
        """The next audio."""
        self._bytes += len(audio)
        while self._waiting and self._waiting[0].end <= self.seconds + SLACK_S:
            word = self._waiting.popleft()
            self.spoken = word.offset + len(word.text)
