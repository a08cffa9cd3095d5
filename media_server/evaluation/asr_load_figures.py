"""What `bench asr` found: arithmetic and table. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from media_server.evaluation.asr_script import HeardFinal, StreamScript, answers
from media_server.evaluation.service_watch import ServiceUse
from media_server.evaluation.word_errors import Errors, errors
from media_server.phone.bench_figures import Spread


@dataclass(slots=True)
class StreamResult:
    """What became of one stream.

    Attributes:
        script: What it was to say.
        message: Samples sent at once.
        sent_s: Seconds of it that were sent.
        finals: The words that came, in order.
        refused_ms: After so long it was told that there is no room; None: it was taken.
        failed: Why it broke off, if it did.
        dropped_s: What the service says that it did not recognise.
        late_ms: Of our own messages, the latest.
    """

    script: StreamScript
    message: int
    sent_s: float = 0.0
    finals: list[HeardFinal] = field(default_factory=list)
    refused_ms: float | None = None
    failed: str = ""
    dropped_s: float = 0.0
    late_ms: float = 0.0


@dataclass(slots=True)
class AsrFigures:
    """Everything that `bench asr` tells. Error rates are percents, None where the words are not known.

    Attributes:
        lost: Utterances of streams that were taken, for which no final came.
        delay: Milliseconds from the last voiced sample sent to the final received.
        wer: Word error rate of all streams, `wer_worst` of the worst one.
        wer_offline: … of `/v1/transcribe` on the same utterances.
        wer_against_offline: Word errors of the streams if what `/v1/transcribe` made of it were right.
        dropped_s: Seconds of sound that the service says it dropped.
    """

    streams: int
    refused: int = 0
    refusal: Spread = field(default_factory=Spread)
    failed: list[str] = field(default_factory=list)
    audio_s: float = 0.0
    utterances: int = 0
    lost: int = 0
    delay: Spread = field(default_factory=Spread)
    wer: float | None = None
    wer_worst: float | None = None
    wer_offline: float | None = None
    wer_against_offline: float | None = None
    dropped_s: float = 0.0
    late_ms: int = 0
    use: ServiceUse = field(default_factory=ServiceUse)

    @property
    def good(self) -> bool:
        """Whether nothing that was taken was lost."""
        return not self.lost and not self.failed


def asr_figures(
    results: Sequence[StreamResult], offline: Mapping[str, str], language: str, use: ServiceUse
) -> AsrFigures:
    """All of it. `offline`: what `/v1/transcribe` made of each recording, by name."""
    taken = [each for each in results if each.refused_ms is None]
    figures = AsrFigures(len(results), refused=len(results) - len(taken), use=use)
    figures.refusal = Spread.of([each.refused_ms for each in results if each.refused_ms is not None])
    figures.failed = [each.failed for each in taken if each.failed]
    figures.audio_s = round(sum(each.sent_s for each in taken), 1)
    figures.dropped_s = round(sum(each.dropped_s for each in taken), 2)
    figures.late_ms = round(max((each.late_ms for each in taken), default=0.0))
    delays: list[float] = []
    streamed, transcribed, against = Errors(), Errors(), Errors()
    worst: list[float] = []
    for result in taken:
        own = Errors()
        answered = answers(result.script.utterances, result.finals, result.message)
        for utterance, answer in zip(result.script.utterances, answered, strict=True):
            figures.utterances += 1
            figures.lost += answer.text is None
            if answer.delay_ms is not None:
                delays.append(answer.delay_ms)
            said, heard = utterance.recording.text, answer.text or ""
            decoded = offline.get(utterance.recording.name)
            if said:
                own += errors(said, heard, language)
            if said and decoded is not None:
                transcribed += errors(said, decoded, language)
            if decoded is not None:
                against += errors(decoded, heard, language)
        streamed += own
        if own.wer is not None:
            worst.append(own.wer)
    figures.delay = Spread.of(delays)
    figures.wer, figures.wer_worst = streamed.wer, max(worst, default=None)
    figures.wer_offline, figures.wer_against_offline = transcribed.wer, against.wer
    return figures


def asr_report(figures: AsrFigures) -> Iterator[str]:
    """The lines of it."""
    minutes = figures.audio_s / 60
    refused = f", {figures.refused} refused after {figures.refusal.worst} ms at most" if figures.refused else ""
    failed = f", {len(figures.failed)} failed ({figures.failed[0]})" if figures.failed else ""
    yield f"streams          {figures.streams}{refused}{failed}"
    if figures.utterances:
        yield f"utterances       {figures.utterances}, {figures.lost} lost"
        delay = figures.delay
        yield f"final after      p50 {delay.p50} ms   p95 {delay.p95}   worst {delay.worst}"
    if figures.wer is not None:
        yield f"WER              {figures.wer:.2f} %, worst stream {figures.wer_worst:.2f} %{_offline(figures)}"
    yield from figures.use.report(minutes, 0 if figures.utterances else figures.streams - figures.refused)
    if figures.dropped_s:
        yield f"dropped          {figures.dropped_s} s of sound, says the service"
    yield f"our own clock    late by {figures.late_ms} ms at most"


def _offline(figures: AsrFigures) -> str:
    if figures.wer is None or figures.wer_offline is None:
        return ""
    points = figures.wer - figures.wer_offline
    return f"; offline {figures.wer_offline:.2f} % ({points:+.2f} points)"
