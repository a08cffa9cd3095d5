"""What of a growing transcript can be trusted already (LocalAgreement). Pure."""

from collections.abc import Sequence

_MARKS = ".,;:!?…\"'"


def agreed(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """The words of `now`, from the first, that the decode before had too; case and punctuation may differ."""
    count = 0
    for left, right in zip(before, now, strict=False):
        if _plain(left) != _plain(right):
            break
        count += 1
    return list(now[:count])


def committed(stable: Sequence[str], now: Sequence[str]) -> list[str]:
    """`now`, with the words that are stable already in place of its first ones."""
    return [*stable, *now[len(stable) :]]


def _plain(word: str) -> str:
    return word.strip(_MARKS).casefold()
