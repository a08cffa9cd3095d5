"""Whether sound can carry words. Pure.

A recogniser writes words for noise ("Thank you."), so words need acoustic evidence that is not the recogniser's own:
how long the VAD heard a voice.
"""

CHARACTERS_BASE = 6
"""The VAD misses soft ends, so the first few characters are free: "Yes." """

CHARACTERS_PER_VOICED_S = 35
"""Fast speech has about 20 a second."""


def supported(text: str, voiced_s: float) -> bool:
    """Whether so much text can have been said in so much voice."""
    return len(text) <= CHARACTERS_BASE + CHARACTERS_PER_VOICED_S * voiced_s
