"""How one stream of ours reads in Deepgram's messages. Sans-IO; `listen` has the messages, `listen_query` the options.

What differs from Deepgram's own:

- Results cover speech, not all sound: `start` and `duration` are those of the words.
- Interim results have no word times, so their `words` are empty.
- `speech_final` is told of every turn that has ended, whatever ended it, so that who waits for it misses nothing; with
  `endpointing=false` of none.
- Each `Finalize` is answered by one result `from_finalize`, an empty one where there was nothing to say.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

from media_server.errors import ProtocolViolation
from media_server.protocol import asr_stream
from media_server.protocol.asr_stream import AsrCommand, AsrEvent
from media_server.protocol.listen import (
    Alternative,
    Channel,
    Configure,
    ConfigureFailure,
    Error,
    Metadata,
    ModelInfo,
    Results,
    ResultsMetadata,
    SpeechStarted,
    UtteranceEnd,
    Word,
    parse_listen_command,
)
from media_server.protocol.listen_query import ListenQuery
from media_server.protocol.speech import Message, SpeechError

_PUNCTUATION = ".,?!:;\"'()[]{}…—–“”‘’«»¿¡。，、？！：；"  # noqa: RUF001 - other languages' too


@dataclass(frozen=True, slots=True)
class Request:
    """One stream.

    Attributes:
        model: The name of what hears.
        created: When the stream began, in ISO 8601.
        sha256: Of the sound so far, in hex.
    """

    id: str
    model: str
    created: str
    sha256: Callable[[], str]


@dataclass(slots=True)
class Listener:
    """The messages of one stream, in Deepgram's words."""

    request: Request
    query: ListenQuery
    _final: asr_stream.Final | None = field(default=None, init=False)  # which ends its turn: its end comes next
    _told_to: float = field(default=0.0, init=False)  # where the last final ended
    _last_word_end: float | None = field(default=None, init=False)  # of words after which no `UtteranceEnd` was told
    _finalized: bool = field(default=False, init=False)  # whether a result `from_finalize` was told

    def commanded(self, text: str) -> AsrCommand | ConfigureFailure:
        """What a client's message wants of our stream, or the answer, where it wants what there is not.

        Raises:
            ProtocolViolation: It is none.
        """
        command = parse_listen_command(text)
        return ConfigureFailure(request_id=self.request.id) if isinstance(command, Configure) else command

    def told(self, event: AsrEvent) -> Iterator[Message]:
        """What to tell of a message of our stream."""
        match event:
            case asr_stream.SpeechStarted() if self.query.vad_events:
                yield SpeechStarted(timestamp=event.at)
            case asr_stream.Partial():
                yield self._interim(event)
            case asr_stream.Final(ends_turn=True):
                self._final = event
            case asr_stream.Final():
                yield self._heard(event, speech_final=False, from_finalize=False)
            case asr_stream.TurnEnded():
                yield self._turn_ended(event)
            case asr_stream.Finalized():
                if not self._finalized:
                    yield self._empty(self._told_to, speech_final=False, from_finalize=True)
                self._finalized = False
            case asr_stream.Quiet() if self._last_word_end is not None:
                yield UtteranceEnd(last_word_end=self._last_word_end)
                self._last_word_end = None
            case SpeechError():
                variant = "SchemaError" if event.code == ProtocolViolation.code else event.code
                yield Error(variant=variant, description=event.message)
            case asr_stream.AsrClosed(reason="close"):
                yield self._metadata(event.received_s)
            case _:
                pass

    def _turn_ended(self, event: asr_stream.TurnEnded) -> Results:
        final, self._final = self._final, None
        by_finalize = event.reason == "finalize"
        self._finalized = self._finalized or by_finalize
        speech_final = self.query.endpointing is not None
        if final is None:
            return self._empty(event.end, speech_final=speech_final, from_finalize=by_finalize)
        return self._heard(final, speech_final=speech_final, from_finalize=by_finalize)

    def _heard(self, final: asr_stream.Final, *, speech_final: bool, from_finalize: bool) -> Results:
        words = [self._word(word, final.language) for word in final.words or ()]
        self._told_to = final.end
        self._last_word_end = words[-1].end if words else final.end
        channel = self._channel(final.text, final.confidence, words, final.language)
        return self._results(final.start, final.end, channel, speech_final=speech_final, from_finalize=from_finalize)

    def _empty(self, end: float, *, speech_final: bool, from_finalize: bool) -> Results:
        """There were no words since the last ones."""
        start, self._told_to = self._told_to, max(self._told_to, end)
        channel = self._channel("", None)
        return self._results(start, self._told_to, channel, speech_final=speech_final, from_finalize=from_finalize)

    def _interim(self, partial: asr_stream.Partial) -> Results:
        channel = self._channel(partial.text, partial.confidence)
        return self._results(partial.start, partial.end, channel, is_final=False)

    def _results(
        self,
        start: float,
        end: float,
        channel: Channel,
        *,
        is_final: bool = True,
        speech_final: bool = False,
        from_finalize: bool = False,
    ) -> Results:
        return Results(
            start=start,
            duration=round(end - start, 3),
            is_final=is_final,
            speech_final=speech_final,
            from_finalize=from_finalize,
            channel=channel,
            metadata=self._model,
        )

    def _channel(
        self, text: str, confidence: float | None, words: Sequence[Word] = (), language: str | None = None
    ) -> Channel:
        heard = Alternative(
            transcript=text if self.query.punctuated else " ".join(map(bare, text.split())),
            confidence=confidence or 0.0,
            languages=[language] if language is not None and self._multilingual else None,
            words=list(words),
        )
        return Channel(alternatives=[heard])

    def _word(self, word: asr_stream.HeardWord, language: str | None) -> Word:
        return Word(
            word=bare(word.text),
            punctuated_word=word.text if self.query.punctuated else None,
            start=word.start,
            end=word.end,
            confidence=word.confidence,
            language=language if self._multilingual else None,
        )

    @property
    def _multilingual(self) -> bool:
        return self.query.language == "auto"

    @property
    def _model(self) -> ResultsMetadata:
        return ResultsMetadata(
            request_id=self.request.id,
            model_info=ModelInfo(name=self.request.model),
            model_uuid=str(uuid5(NAMESPACE_URL, self.request.model)),
        )

    def _metadata(self, duration: float) -> Metadata:
        request = self.request
        return Metadata(
            request_id=request.id,
            sha256=request.sha256(),
            created=request.created,
            duration=round(duration, 3),
            extra=self.query.extras or None,
        )


def bare(word: str) -> str:
    """A word without case and the punctuation around it; punctuation alone stays."""
    return word.strip(_PUNCTUATION).lower() or word
