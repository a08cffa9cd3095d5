"""Whether words are open-ended: what was said so far cannot be all of it. Pure.

Whisper writes punctuation, which is evidence as well: it ends what sounds unfinished with a comma, a dash or dots.
"""

import re

_OPEN_ENDINGS = (",", "-", "\N{EN DASH}", "\N{EM DASH}", "...", "\N{HORIZONTAL ELLIPSIS}", ":")

_ENGLISH = """
a an the and or but so because if when while that than which who whose as of to for from with without into about between
my your his her its our their some any every is are was were am be been i'm we're you're they're i'll we'll i'd i we
they he she um uh uhm er erm hmm mm like well plus
"""
_OPEN_WORDS = {"en": frozenset(_ENGLISH.split())}
"""Words that seldom end a turn, by language."""

_LAST_WORD = re.compile(r"([^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W_]+)*)\W*$")


def trails_off(text: str, language: str) -> bool:
    """Whether the text is open-ended. A question mark closes it whatever its last word is; no words are no evidence."""
    text = text.rstrip()
    if text.endswith(_OPEN_ENDINGS):
        return True
    if text.endswith(("?", "!")):
        return False
    last = _LAST_WORD.search(text)
    return last is not None and last[1].lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") in _OPEN_WORDS.get(
        language, frozenset()
    )
