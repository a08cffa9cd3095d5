"""The figures of a bench, from its calls and from what the roles say of themselves. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from media_server.call.record import CallRecord
from media_server.phone.measure import CallMeasure, stopped_ms
from media_server.phone.playout_buffer import Span
from media_server.phone.scrape import Scrape
from media_server.phone.understood import understood

NOT_STOPPED_MS = 1500
"""An agent that goes on for longer did not notice."""
RESUMED_MS = 2500
"""What comes later is the next answer."""


class MadeCall(Protocol):
    """What every phone of ours has of a call that is over; sound is linear PCM at 8 kHz."""

    @property
    def caller(self) -> bytes:
        """What was sent."""
        ...

    @property
    def agent(self) -> bytes:
        """What was played."""
        ...

    @property
    def spoken(self) -> tuple[Span, ...]:
        """Where the caller's utterances lie."""
        ...

    @property
    def interjected(self) -> tuple[Span, ...]:
        """Where what was said into the agent's answers lies."""
        ...

    @property
    def lag_s(self) -> float:
        """The most by which the phone's own clock was late."""
        ...

    def measured(self) -> CallMeasure:
        """What the caller noticed."""
        ...


@dataclass(frozen=True, slots=True)
class BenchCall:
    """One call: what was said in it, and the server's record of it; or how long the server took to refuse it."""

    call: MadeCall | None = None
    said: tuple[str, ...] = ()
    record: CallRecord | None = None
    refused_ms: float | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: the middle, the slow ones, the slowest; None where there is nothing to measure."""

    p50: int | None = None
    p95: int | None = None
    p99: int | None = None
    worst: int | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of all these."""
        if not values:
            return cls()
        return cls(*(round(float(each)) for each in np.percentile(values, (50, 95, 99, 100))))


@dataclass(frozen=True, slots=True)
class RoleFigures:
    """What a role used meanwhile."""

    cpu_s: float
    rss_mb: float


@dataclass(slots=True)
class Figures:
    """Everything a bench of calls tells; see `bench_report` for what each is called."""

    calls: int = 0
    refused: int = 0
    failed: int = 0
    refusal: Spread = field(default_factory=Spread)
    turns: int = 0
    answered: int = 0
    answer: Spread = field(default_factory=Spread)
    transcribed: int = 0
    understood: int = 0
    gaps: int = 0
    cut_ins: int = 0
    interruptions: int = 0
    stop: Spread = field(default_factory=Spread)
    not_stopped: int = 0
    ignored: int = 0
    noises: int = 0
    hushed: int = 0
    resume: Spread = field(default_factory=Spread)
    false_barge_ins: int = 0
    heard_turns: int = 0
    decodes: int = 0
    unbalanced: int = 0
    call_minutes: float = 0.0
    roles: dict[str, RoleFigures] = field(default_factory=dict)
    phone_lag_ms: int = 0

    @property
    def decodes_a_turn(self) -> float | None:
        """How often a turn was decoded; what is above one was speculated in vain."""
        return self.decodes / self.heard_turns if self.heard_turns else None

    @property
    def cpu_a_call_minute(self) -> float | None:
        """Seconds of CPU of all roles together for a minute of a call."""
        if not self.call_minutes or not self.roles:
            return None
        return sum(role.cpu_s for role in self.roles.values()) / self.call_minutes


def figures_of(
    calls: Sequence[BenchCall], before: Mapping[str, Scrape], after: Mapping[str, Scrape], *, noise: bool
) -> Figures:
    """All of it. `noise`: what was said into answers was not meant to interrupt them."""
    figures = Figures(calls=len(calls))
    figures.refused = sum(each.refused_ms is not None for each in calls)
    figures.failed = sum(bool(each.failed) for each in calls)
    figures.refusal = Spread.of([each.refused_ms for each in calls if each.refused_ms is not None])
    if noise:
        records = [each.record for each in calls if each.record is not None]
        figures.false_barge_ins = sum(
            line.said not in (None, line.text) for each in records for line in each.transcript
        )
    waits: list[int] = []
    stops: list[int] = []
    resumes: list[int] = []
    for each in calls:
        if each.call is not None:
            waits += _add_call(figures, each, each.call)
            _add_interjections(figures, each.call, stops, resumes, noise=noise)
    figures.hushed = len(resumes)
    figures.answer, figures.stop, figures.resume = Spread.of(waits), Spread.of(stops), Spread.of(resumes)
    for role, then in after.items():
        if then.values:
            figures.roles[role] = RoleFigures(round(then.cpu_s - before[role].cpu_s, 2), round(then.rss_mb))
    asr = "media_server_asr_decode_seconds_count"
    figures.decodes = round(after["asr"][asr] - before["asr"][asr])
    figures.heard_turns = round(
        after["media"]["media_server_turns_total"] - before["media"]["media_server_turns_total"]
    )
    return figures


def _add_call(figures: Figures, each: BenchCall, call: MadeCall) -> list[int]:
    measured = call.measured()
    figures.turns += len(measured.turns)
    figures.answered += len(measured.answered)
    figures.gaps += len(measured.gaps)
    asked = {interjection.begin for interjection in call.interjected}
    own = zip(measured.turns, call.spoken, strict=True)
    figures.cut_ins += sum(turn.cut_in_ms > 0 for turn, span in own if span.begin not in asked)
    figures.call_minutes += len(call.caller) / 2 / 8000 / 60
    figures.phone_lag_ms = max(figures.phone_lag_ms, round(1000 * call.lag_s))
    if each.record is not None:
        figures.unbalanced += not each.record.ledger.balances
        known = [text for text in each.said[: len(call.spoken)] if text]
        figures.transcribed += len(known)
        figures.understood += understood(known, [turn.text for turn in each.record.turns])
    return measured.answered


def _add_interjections(figures: Figures, call: MadeCall, stops: list[int], resumes: list[int], *, noise: bool) -> None:
    for interjection in call.interjected:
        stop, following = stopped_ms(call.caller, call.agent, interjection)
        stopped = stop < NOT_STOPPED_MS
        if noise:
            figures.noises += 1
            if stopped and following is not None and following <= RESUMED_MS:
                resumes.append(following)
            continue
        figures.ignored += following is None
        figures.interruptions += 1
        if stopped:
            stops.append(stop)
        else:
            figures.not_stopped += 1
