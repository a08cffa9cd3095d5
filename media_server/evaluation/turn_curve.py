"""The wait of policies that end turns against how often they cut a speaker short, over a folder of recordings."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from engines.asr.models import AsrModels
from engines.turn.expectation import Expectation, Patience
from media_server.evaluation.turn_ends import Listener, Outcome
from media_server.phone.speech_folder import Recording, hesitating

TIMERS_MS = range(300, 1300, 100)
BARE = "VAD + Smart Turn"


@dataclass(frozen=True, slots=True)
class Point:
    """One policy: what undivided utterances wait, in ms; the share that is cut short, undivided and by each silence."""

    policy: str
    p50: float
    mean: float
    p95: float
    cut: float
    cut_when_split: Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """All of it. `timers` rise with their wait."""

    utterances: int
    ours: tuple[Point, ...]
    timers: tuple[Point, ...]
    bare: Point

    def timer_of(self, p50: float, split: float) -> float:
        """The share that a timer of this median wait cuts short, between those that were tried."""
        waits = [each.p50 for each in self.timers]
        return float(np.interp(p50, waits, [each.cut_when_split[split] for each in self.timers]))


def turn_curve(
    models: AsrModels,
    recordings: Sequence[Recording],
    splits_s: Sequence[float],
    language: str,
    progress: Callable[[int], None],
) -> Curve:
    """Try every policy on every recording, undivided and with each silence put into its middle."""
    ours = {each.value: partial(Listener.ours, expectation=Expectation(patience=each)) for each in Patience}
    timers = {f"{ms} ms": partial(Listener.timer, milliseconds=ms) for ms in TIMERS_MS}
    policies: dict[str, Callable[[Listener], Outcome]] = {**ours, **timers, BARE: Listener.vad_and_smart_turn}

    def outcomes(recording: Recording) -> dict[str, list[Outcome]]:
        variants = [recording, *(hesitating(recording, seconds) for seconds in splits_s)]
        heard = [Listener(models, each.pcm, language) for each in variants]
        return {name: [policy(each) for each in heard] for name, policy in policies.items()}

    tried: list[dict[str, list[Outcome]]] = []
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for each in threads.map(outcomes, recordings):
            tried.append(each)
            progress(len(tried))
    points = {name: _point(name, [each[name] for each in tried], splits_s) for name in policies}
    return Curve(
        len(recordings),
        tuple(points[name] for name in ours),
        tuple(points[name] for name in timers),
        points[BARE],
    )


def _point(policy: str, tried: Sequence[Sequence[Outcome]], splits_s: Sequence[float]) -> Point:
    """Of each recording: the undivided one, then one for each silence."""
    waits = [whole.wait_ms for whole, *_ in tried]
    cut = np.mean([[each.cut_short for each in variants] for variants in tried], axis=0)
    p50, p95 = np.percentile(waits, (50, 95))
    split = {seconds: float(share) for seconds, share in zip(splits_s, cut[1:], strict=True)}
    return Point(policy, float(p50), float(np.mean(waits)), float(p95), float(cut[0]), split)


def turn_report(curve: Curve) -> list[str]:
    """The lines of it."""
    splits = list(curve.bare.cut_when_split)
    lines = [
        f"{curve.utterances} utterances; the wait in ms of audio, and how many were cut short",
        _row("", ["p50", "mean", "p95", "undivided", *(f"{seconds:g} s inside" for seconds in splits)]),
        *(_point_row(f"patience {each.policy}", each) for each in curve.ours),
        *(_point_row(f"timer {each.policy}", each) for each in curve.timers),
        _point_row(curve.bare.policy, curve.bare),
    ]
    for ours in curve.ours:
        shares = ", ".join(
            f"{curve.timer_of(ours.p50, seconds):.0%} of those with {seconds:g} s inside (ours {cut:.0%})"
            for seconds, cut in ours.cut_when_split.items()
        )
        if shares:
            lines.append(f"A timer whose median wait is that of {ours.policy} cuts short {shares}")
    return lines


def _point_row(name: str, point: Point) -> str:
    waits = [f"{each:.0f}" for each in (point.p50, point.mean, point.p95)]
    return _row(name, [*waits, *(f"{100 * each:.1f} %" for each in (point.cut, *point.cut_when_split.values()))])


def _row(name: str, cells: Sequence[str]) -> str:
    waits, shares = cells[:3], cells[3:]
    return f"{name:<18}" + "".join(f"{each:>7}" for each in waits) + "".join(f"{each:>14}" for each in shares)
