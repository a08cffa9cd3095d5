"""What of a growing transcript can be trusted already (LocalAgreement-2). Pure.

Measured on 18 telephone sentences of 4 to 6 s: of the characters that two decodes agree on, words alone compared, a
quarter is not what the final has; where punctuation and case must agree too, and the last word, which may be half a
word, does not count, it is an eighth, of hardly fewer words. (With three decodes: 6 %, of two thirds of the words.)
"""

from collections.abc import Sequence


def agreed(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """The words of `now`, from the first, that the decode before had too, without the last word of either."""
    count = 0
    for left, right in zip(before[:-1], now[:-1], strict=False):
        if left != right:
            break
        count += 1
    return list(now[:count])


def committed(stable: Sequence[str], now: Sequence[str]) -> list[str]:
    """`now`, with the words that are stable already in place of its first ones."""
    return [*stable, *now[len(stable) :]]
