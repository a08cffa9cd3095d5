"""Digits are said in groups, with pauses between them: what was heard of the groups so far. Pure, but for its state.

A group that was decoded in the pause behind it is kept when the speaker goes on, and only what follows is decoded: two
seconds of sound instead of eight, so that the words of the last group are there when the silence is long enough. Each
group alone is heard as well as the whole row; where the sum is wrong, the whole is decoded once more.
"""

from dataclasses import replace

from engines.asr.digit_rows import miscounted
from engines.ports import Transcription

MOST_IN_GROUP = 32
"""No slot asks for more digits; more than that is a decode that ran away."""


class Groups:
    """The groups of one segment, which begins at sample `begin`; without digits that are expected it keeps nothing."""

    def __init__(self, sample_rate: int, begin: int) -> None:
        self._rate = sample_rate
        self._begin = begin
        self._kept: Transcription | None = None
        self.decode_from = begin
        """What is heard from this sample on is not kept yet."""

    def keep(self, heard: Transcription, next_from: int) -> None:
        """All of the segment so far; the next group's sound begins at `next_from`."""
        self._kept, self.decode_from = heard, next_from

    def forget(self) -> None:
        """The whole is to be heard again."""
        self._kept, self.decode_from = None, self._begin

    def joined(self, heard: Transcription) -> Transcription:
        """What was heard from `decode_from` on, behind what was kept; times count from the segment's begin."""
        kept = self._kept
        if kept is None:
            return heard
        shift_s = (self.decode_from - self._begin) / self._rate
        later = tuple(replace(word, start=word.start + shift_s, end=word.end + shift_s) for word in heard.words)
        return Transcription(
            " ".join(filter(None, (kept.text, heard.text))),
            min(kept.log_probability, heard.log_probability),
            kept.redecoded or heard.redecoded,
            heard.language,
            min(kept.no_speech, heard.no_speech),
            kept.words + later,
        )

    def expected(self, digits: tuple[int, int] | None) -> tuple[int, int] | None:
        """How many digits are in what is decoded next: of a later group nobody knows."""
        return digits if digits is None or self._kept is None else (0, MOST_IN_GROUP)

    def doubtful(self, heard: Transcription, digits: tuple[int, int] | None) -> bool:
        """Whether the groups together have the wrong count of digits: the whole is to be decoded."""
        return digits is not None and self._kept is not None and miscounted(heard.text, digits)
