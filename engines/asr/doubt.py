"""When what a recogniser says is not what was said: rules for Whisper's decoder. Pure."""

import zlib
from dataclasses import dataclass

_TOKENS_BASE, _TOKENS_PER_SECOND = 15, 7.0
"""No speaker says more; more is a decoder that repeats itself."""

_MAX_COMPRESSION_RATIO = 2.2
_REDECODE_BELOW = -1.0
"""Mean log-probability under which a decode at a short context is not trusted."""

_LOOPS_ARE_NOISE = 0.55
"""The no-speech probability from which a decoder that repeats itself is not taken at its word."""

_SHORTEST_LOOP = 3

_NOT_SPEECH = ((0.85, -0.3), (0.6, -0.45), (0.3, -1.0), (0.0, -1.5))
"""(no-speech probability at least, mean log-probability below): together they say that nobody speaks.

Words made up from noise come with high confidence ("you", "Thank you."), but then the model's no-speech probability is
high as well: 0.56 to 0.93 measured on silence, hiss, hum, clicks and tones; on nearly all speech 0.28 at most up to 5 s
of it, 0.51 up to 22 s. Single words ("Quebec") do come with -1.2, and spelled letters with 0.76 and -0.3.
"""

_NOISE_TOKENS = 6
"""What is made up from noise is short. Of a sentence the model is asked again before it counts as noise: one recording
of 4.4 s, words right, came with 0.89 and -0.35 at a short context wherever its cut fell."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the decoder made of `seconds` of sound, before anybody believes it.

    Attributes:
        log_probability: Mean over the tokens.
        no_speech: The model's own probability that nobody speaks.
    """

    text: str
    tokens: int
    log_probability: float
    no_speech: float
    seconds: float

    @property
    def runaway(self) -> bool:
        """Whether no speaker can have said this in that time."""
        return self.tokens > token_limit(self.seconds) or _compression_ratio(self.text) > _MAX_COMPRESSION_RATIO

    @property
    def doubtful(self) -> bool:
        """Whether it deserves a second decode."""
        if self.silence and self.tokens > _NOISE_TOKENS:
            return True
        return self.runaway or self.log_probability < _REDECODE_BELOW or _says_it_twice(self.text)

    @property
    def silence(self) -> bool:
        """Whether the model itself says that nobody speaks."""
        return any(self.no_speech >= least and self.log_probability < below for least, below in _NOT_SPEECH)


def token_limit(seconds: float) -> int:
    """More tokens than this nobody says in that time."""
    return int(_TOKENS_BASE + _TOKENS_PER_SECOND * seconds)


def _compression_ratio(text: str) -> float:
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def _says_it_twice(text: str) -> bool:
    """Whether the text is one piece two or three times: what a short context makes of "December"."""
    words = [word.strip(".,!?").lower() for word in text.split()]
    return any(len(words) >= times and words == words[: len(words) // times] * times for times in (2, 3))


def without_repetition(tokens: list[int], no_speech: float, seconds: float) -> list[int]:
    """Of too many tokens the piece that is said over and over; all of them where there is none, or nobody speaks."""
    if len(tokens) <= token_limit(seconds) or no_speech >= _LOOPS_ARE_NOISE:
        return tokens
    for length in range(_SHORTEST_LOOP, len(tokens) // 2 + 1):
        if tokens[length:] == tokens[:-length]:
            return tokens[:length]
    return tokens
