"""What would have changed on a call: its turns and what we said, then and now, side by side. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from media_server.console import quoted
from media_server.evaluation.replay_floor import Fate
from media_server.speech.turns import TurnOver

SAME_S = 0.3
"""Turns that begin so close together are the same."""
_TEXT = 40


@dataclass(frozen=True, slots=True)
class Pair:
    """A turn then and now; None: there was, or is, none that begins there."""

    then: TurnOver | None
    now: TurnOver | None

    @property
    def difference_ms(self) -> int | None:
        """By how much later it is over now."""
        if self.then is None or self.now is None:
            return None
        return round(1000 * (self.now.decided - self.then.decided))


def pairs_of(then: Sequence[TurnOver], now: Sequence[TurnOver]) -> list[Pair]:
    """The turns of both, in the order in which they began."""
    left = list(now)
    pairs = []
    for turn in then:
        nearest = min(left, key=lambda other: abs(other.start - turn.start), default=None)
        if nearest is not None and abs(nearest.start - turn.start) <= SAME_S:
            left.remove(nearest)
        else:
            nearest = None
        pairs.append(Pair(turn, nearest))
    pairs += [Pair(None, turn) for turn in left]
    return sorted(pairs, key=lambda pair: (pair.then or pair.now or _NEVER).start)


def cut_ins(ended: Sequence[TurnOver], others: Sequence[TurnOver]) -> list[TurnOver]:
    """Turns that were ended while one of the others', which began with or before it, went on."""
    return [
        turn
        for turn in ended
        if any(other.start <= turn.start + SAME_S and turn.decided < other.end for other in others)
    ]


def replay_report(
    then: Sequence[TurnOver], now: Sequence[TurnOver], fates_then: Sequence[Fate], fates_now: Sequence[Fate]
) -> Iterator[str]:
    """The lines."""
    yield f"{'ended at: then':>14} {'now':>8} {'ms':>7}  {'reason: then':<12} {'now':<10} text"
    pairs = pairs_of(then, now)
    yield from (_pair_line(pair) for pair in pairs)
    moved = [pair.difference_ms for pair in pairs if pair.difference_ms is not None]
    middle = f", the median ends {median(moved):+.0f} ms" if moved else ""
    yield f"{len(then)} turns then, {len(now)} now{middle}"
    yield from (f"cut-in appears at {turn.decided:.2f} s: {_short(turn.text)}" for turn in cut_ins(now, then))
    yield from (f"cut-in vanishes at {turn.decided:.2f} s: {_short(turn.text)}" for turn in cut_ins(then, now))
    after = {fate.utterance: fate for fate in fates_now}
    yield "of ours         then                  now"
    for fate in fates_then:
        yield f"{quoted(fate.utterance)[:12]:<14}  {_fate(fate):<20}  {_fate(after.get(fate.utterance))}".rstrip()


_NEVER = TurnOver(0, "", 0.0, 0.0, 0.0, "silence")


def _pair_line(pair: Pair) -> str:
    ends = [f"{turn.decided:.2f}" if turn else "-" for turn in (pair.then, pair.now)]
    reasons = [turn.reason if turn else "-" for turn in (pair.then, pair.now)]
    difference = "" if pair.difference_ms is None else f"{pair.difference_ms:+d}"
    texts = dict.fromkeys(_short(turn.text) for turn in (pair.then, pair.now) if turn)
    return f"{ends[0]:>14} {ends[1]:>8} {difference:>7}  {reasons[0]:<12} {reasons[1]:<10} {' | '.join(texts)}"


def _fate(fate: Fate | None) -> str:
    if fate is None:
        return "never begins"
    contested = f", contested {fate.contested}x" if fate.contested > 1 else ""
    match fate.outcome:
        case "whole":
            return "contested" if fate.contested else "whole"
        case "resumed":
            return f"resumed{contested}"
        case "yielded":
            return f"yielded at {fate.at_s:.1f} s{contested}"


def _short(text: str) -> str:
    return quoted(text)[:_TEXT]
