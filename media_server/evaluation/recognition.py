"""`media-server eval`: how well a recogniser hears a folder of recordings, by how little it may see around the words.

A row for each audio context that is tried: the least seconds that the encoder sees, 30 s being what Whisper was trained
on. How short it may be is a property of the model, and is decided by these rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engines.asr.events import Partial
from engines.asr.models import AsrModels
from media_server.audio.frame import TELEPHONE_RATE, silence
from media_server.evaluation.audio_time import DecodeCost, hear
from media_server.evaluation.partial_figures import broken_promises, shown, taken_back, word_lags
from media_server.evaluation.word_errors import Errors, errors
from media_server.phone.bench_figures import Spread
from media_server.phone.speech_folder import Recording

LEAD_S, TAIL_S = 0.5, 2.0
"""Silence before and behind each recording."""

AS_GOOD_WITHIN = 0.3
"""Points of word error rate by which a shorter context may be worse than 30 s."""

Contexts = tuple[float, ...]
"""The least audio contexts in the order they are tried, in seconds; none: 30 s at once."""


@dataclass(frozen=True, slots=True)
class Row:
    """One choice of contexts.

    Attributes:
        contexts_s: The least contexts, in the order they are tried before 30 s.
        audio_s: Seconds of the recordings.
        errors: Of those whose words are known.
        decodes: For finals; `redecoded` of them were decoded a second time.
        real_time_factor: Seconds of decoding for finals, a second of audio.
        cpu: CPU seconds of the same; `cpu_all` with those for partials.
        partials: How many were told.
        characters: Of all transcripts.
        taken_back: Characters of partials that were taken back later; `broken` of them had been called stable.
        first: Milliseconds from the end of a word to when it was first there.
        stayed: … to when it was there for good.
    """

    contexts_s: Contexts
    audio_s: float
    errors: Errors
    wer: float | None
    cer: float | None
    decodes: int
    redecoded: int
    real_time_factor: float
    cpu: float
    cpu_all: float
    partials: int
    characters: int
    taken_back: int
    broken: int
    first: Spread
    stayed: Spread

    @property
    def name(self) -> str:
        """The contexts, to be read."""
        return " + ".join(f"{each:g} s" for each in self.contexts_s) or "30 s, stock"


@dataclass(slots=True)
class _Sums:
    audio_s: float = 0.0
    errors: Errors = field(default_factory=Errors)
    decodes: list[DecodeCost] = field(default_factory=list)
    partials: int = 0
    characters: int = 0
    taken_back: int = 0
    broken: int = 0
    first_ms: list[float] = field(default_factory=list)
    stayed_ms: list[float] = field(default_factory=list)


def evaluate(
    models: AsrModels,
    contexts_s: Contexts,
    recordings: Sequence[Recording],
    language: str,
    progress: Callable[[int], None],
    *,
    partials: bool,
) -> Row:
    """Hear all recordings, one after the other, with an engine that was made for these contexts. Blocks."""
    sums = _Sums()
    for number, recording in enumerate(recordings, 1):
        _add(sums, models, recording, language, partials=partials)
        progress(number)
    return _row(contexts_s, sums)


def _add(sums: _Sums, models: AsrModels, recording: Recording, language: str, *, partials: bool) -> None:
    lead, tail = (silence(round(seconds * TELEPHONE_RATE)) for seconds in (LEAD_S, TAIL_S))
    heard = hear(models, lead + recording.pcm + tail, TELEPHONE_RATE, language=language, interim_results=partials)
    sums.audio_s += recording.seconds
    sums.decodes += heard.decodes
    if recording.text:
        sums.errors += errors(recording.text, heard.text, language)
    seen = shown(heard.told)
    sums.partials += sum(isinstance(event, Partial) for _, event in heard.told)
    sums.characters += len(heard.text)
    sums.taken_back += taken_back(seen)
    sums.broken += broken_promises(seen)
    for lag in word_lags(seen, heard.words):
        sums.first_ms.append(1000 * lag.first)
        sums.stayed_ms.append(1000 * lag.stayed)


def _row(contexts_s: Contexts, sums: _Sums) -> Row:
    awaited = [each for each in sums.decodes if each.awaited]
    return Row(
        contexts_s=contexts_s,
        audio_s=round(sums.audio_s, 1),
        errors=sums.errors,
        wer=sums.errors.wer,
        cer=sums.errors.cer,
        decodes=len(awaited),
        redecoded=sum(each.redecoded for each in awaited),
        real_time_factor=sum(each.took_s for each in awaited) / sums.audio_s,
        cpu=sum(each.cpu_s for each in awaited) / sums.audio_s,
        cpu_all=sum(each.cpu_s for each in sums.decodes) / sums.audio_s,
        partials=sums.partials,
        characters=sums.characters,
        taken_back=sums.taken_back,
        broken=sums.broken,
        first=Spread.of(sums.first_ms),
        stayed=Spread.of(sums.stayed_ms),
    )


def advised(rows: Sequence[Row]) -> Row | None:
    """The least contexts that hear as well as 30 s (to `AS_GOOD_WITHIN`); None without words or without that row."""
    stock = next((row for row in rows if not row.contexts_s), None)
    if stock is None or stock.wer is None:
        return None
    good = [row for row in rows if row.wer is not None and row.wer <= stock.wer + AS_GOOD_WITHIN]
    return min(good, key=lambda row: row.contexts_s or (30.0,))


def report(rows: Sequence[Row]) -> list[str]:
    """The lines of it.

    RTF and CPU: seconds for a second of the recordings. Taken back, broken: of the characters of the transcripts.
    First, stayed: p50 / p95.
    """
    head = ("WER", "CER", "re-decoded", "RTF", "CPU", "+partials", "taken back", "broken", "first", "stayed")
    lines = [_line("context", head)]
    lines += [_line(row.name, _cells(row)) for row in rows]
    best = advised(rows)
    if best is None:
        lines.append("No advice: nobody wrote down what is said (NAME.txt beside NAME.wav)")
    elif best.contexts_s:
        lines.append(f"Advice: {best.name}, the least whose WER is within {AS_GOOD_WITHIN} points of 30 s")
    else:
        lines.append(f"Advice: 30 s; none of the others has a WER within {AS_GOOD_WITHIN} points of it")
    return lines


def _cells(row: Row) -> Sequence[str]:
    share = 100 / row.characters if row.characters and row.partials else None
    return (
        _percent(row.wer),
        _percent(row.cer),
        f"{row.redecoded} of {row.decodes}",
        f"{row.real_time_factor:.3f}",
        f"{row.cpu:.3f}",
        f"{row.cpu_all:.3f}",
        _percent(share and share * row.taken_back),
        _percent(share and share * row.broken),
        _lags(row.first),
        _lags(row.stayed),
    )


def _lags(spread: Spread) -> str:
    return "-" if spread.p50 is None else f"{spread.p50} / {spread.p95}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} %"


_WIDTHS = (8, 8, 11, 6, 6, 10, 11, 8, 13, 13)


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:<12}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
