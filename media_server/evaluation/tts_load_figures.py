"""What `bench tts` found: arithmetic and table. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from media_server.evaluation.service_watch import ServiceUse
from media_server.phone.bench_figures import Spread


@dataclass(slots=True)
class SpokenSentence:
    """One sentence: when it was asked for, when its sound came, when it was done (or never), by the bench's clock."""

    asked_at: float
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    """When a piece came, and how many seconds of sound it is."""
    done_at: float | None = None

    @property
    def audio_s(self) -> float:
        """Seconds of sound."""
        return sum(seconds for _, seconds in self.arrivals)

    @property
    def first_ms(self) -> float | None:
        """From asking to the first sound."""
        return 1000 * (self.arrivals[0][0] - self.asked_at) if self.arrivals else None

    @property
    def played_until(self) -> float:
        """When a listener who plays it from its first sound on has heard it all."""
        until = self.arrivals[0][0] if self.arrivals else self.asked_at
        for at, seconds in self.arrivals:
            until = max(until, at) + seconds
        return until

    @property
    def gaps_ms(self) -> list[float]:
        """The holes that such a listener hears."""
        gaps: list[float] = []
        until = self.arrivals[0][0] if self.arrivals else 0.0
        for at, seconds in self.arrivals:
            if at > until:
                gaps.append(1000 * (at - until))
            until = max(until, at) + seconds
        return gaps


@dataclass(slots=True)
class VoiceResult:
    """What became of one stream."""

    sentences: list[SpokenSentence] = field(default_factory=list)
    refused_ms: float | None = None
    failed: str = ""

    @property
    def speed(self) -> float | None:
        """Seconds of sound made a second of waiting for it."""
        done = [each for each in self.sentences if each.done_at is not None]
        took = sum(each.done_at - each.asked_at for each in done if each.done_at is not None)
        return sum(each.audio_s for each in done) / took if took else None


@dataclass(slots=True)
class TtsFigures:
    """Everything that `bench tts` tells.

    Attributes:
        lost: Sentences of streams that were taken, which were not spoken to their end.
        first: Milliseconds from asking for a sentence to its first sound.
        slowest: Of the streams, the least sound made a second: above 1 faster than real time.
        gaps: Holes heard by who plays each sentence from its first sound on; `gap_worst_ms` the longest.
        made: Seconds of sound that all streams together got a second.
    """

    streams: int
    refused: int = 0
    refusal: Spread = field(default_factory=Spread)
    failed: list[str] = field(default_factory=list)
    sentences: int = 0
    lost: int = 0
    audio_s: float = 0.0
    first: Spread = field(default_factory=Spread)
    slowest: float | None = None
    made: float | None = None
    gaps: int = 0
    gap_worst_ms: int = 0
    use: ServiceUse = field(default_factory=ServiceUse)

    @property
    def good(self) -> bool:
        """Whether all that was taken was spoken."""
        return not self.lost and not self.failed


def tts_figures(results: Sequence[VoiceResult], planned: int, use: ServiceUse) -> TtsFigures:
    """All of it. `planned`: sentences a stream."""
    taken = [each for each in results if each.refused_ms is None]
    sentences = [sentence for each in taken for sentence in each.sentences]
    done = [each for each in sentences if each.done_at is not None and each.arrivals]
    gaps = [gap for each in sentences for gap in each.gaps_ms]
    speeds = [speed for each in taken if (speed := each.speed) is not None]
    figures = TtsFigures(len(results), refused=len(results) - len(taken), use=use)
    figures.refusal = Spread.of([each.refused_ms for each in results if each.refused_ms is not None])
    figures.failed = [each.failed for each in taken if each.failed]
    figures.sentences = planned * len(taken)
    figures.lost = figures.sentences - len(done)
    figures.audio_s = round(sum(each.audio_s for each in sentences), 1)
    figures.first = Spread.of([each.first_ms for each in done if each.first_ms is not None])
    figures.slowest = round(min(speeds), 2) if speeds else None
    if done:
        ended = max(each.done_at for each in done if each.done_at is not None)
        figures.made = round(figures.audio_s / (ended - min(each.asked_at for each in done)), 2)
    figures.gaps, figures.gap_worst_ms = len(gaps), round(max(gaps, default=0.0))
    return figures


def tts_report(figures: TtsFigures) -> Iterator[str]:
    """The lines of it."""
    refused = f", {figures.refused} refused after {figures.refusal.worst} ms at most" if figures.refused else ""
    failed = f", {len(figures.failed)} failed ({figures.failed[0]})" if figures.failed else ""
    yield f"streams          {figures.streams}{refused}{failed}"
    yield f"sentences        {figures.sentences}, {figures.lost} lost; {figures.audio_s:.1f} s of sound"
    first = figures.first
    yield f"first sound      p50 {first.p50} ms   p95 {first.p95}   worst {first.worst}"
    if figures.slowest is not None and figures.made is not None:
        yield f"made a second    {figures.slowest:.2f} s for the slowest stream, {figures.made:.2f} s for all together"
    yield f"gaps             {figures.gaps}, {figures.gap_worst_ms} ms at most, if played from the first sound on"
    yield from figures.use.report(figures.audio_s / 60)
