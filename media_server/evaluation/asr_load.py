"""`media-server bench asr`: many callers at once on a recogniser's public stream, in real time.

Message n of a stream is due at `t0 + n · 40 ms` on one clock, which is when its last sample was spoken; what is late is
sent at once, and told. The words of the same recordings from `/v1/transcribe` are asked for afterwards.
"""

import asyncio
import io
import random
import wave
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from media_server.audio.frame import TELEPHONE_RATE
from media_server.audio.g711 import decode_mulaw, encode_mulaw
from media_server.errors import EngineError
from media_server.evaluation.asr_load_figures import AsrFigures, StreamResult, asr_figures
from media_server.evaluation.asr_script import HeardFinal, StreamScript, script
from media_server.evaluation.service_watch import watched
from media_server.evaluation.stream_outcome import outcome_in
from media_server.phone.speech_folder import Recording
from media_server.protocol.asr_stream import AsrClosed, CloseStream, Final, parse_asr_event
from media_server.protocol.speech import SpeechError, serialize

PATH = "/v1/stream/asr"
CLOSE_S = 60.0
"""What a service may take for what it still owes when a stream is closed; after that it counts as lost."""
CONNECT_S = 10.0
CALM_S, CALM_TRIES = 3.0, 10
"""A service that was full a moment ago is asked again, so often."""
_IDLE_FIRST_S = 2.0


@dataclass(frozen=True, slots=True)
class AsrLoad:
    """What the streams do.

    Attributes:
        streams: How many at once.
        seconds: After so long none begins another utterance.
        idle: Nobody says anything; the streams send silence.
        turn_detection: `silence`, `smart_turn` or `none`.
        min_silence_ms: In place of the service's own.
        interim_results: Partials are asked for.
        language: What is spoken.
        encoding: `mulaw` or `linear16`, at 8 kHz.
        message_ms: What is sent at once.
        silence_s: What follows each utterance.
        seed: Of what is said when.
    """

    streams: int
    seconds: float = 60.0
    idle: bool = False
    turn_detection: str = "silence"
    min_silence_ms: int | None = None
    interim_results: bool = False
    language: str = "en"
    encoding: str = "mulaw"
    message_ms: int = 40
    silence_s: float = 2.0
    seed: int = 1

    @property
    def query(self) -> dict[str, str]:
        """Of the stream's address."""
        asked = {
            "encoding": self.encoding,
            "sample_rate": str(TELEPHONE_RATE),
            "language": self.language,
            "turn_detection": self.turn_detection,
            "interim_results": str(self.interim_results).lower(),
        }
        return asked if self.min_silence_ms is None else {**asked, "min_silence_ms": str(self.min_silence_ms)}


async def run_asr_load(url: str, api_key: str | None, load: AsrLoad, recordings: Sequence[Recording]) -> AsrFigures:
    """Open all streams at once, talk, measure.

    Raises:
        EngineError: The service does not answer.
    """
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    said = [] if load.idle else recordings
    scripts = [
        script(said, seconds=load.seconds, silence_s=load.silence_s, chance=random.Random(load.seed * 1000 + number))  # noqa: S311 - repeatable, not secret
        for number in range(load.streams)
    ]
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as http:
        await _warm_up(http, url, load)
        async with watched(http, url, headers) as use:
            # Strangers do not send at the same moment: the messages of all streams are spread evenly.
            apart_s = load.message_ms / 1000 / load.streams
            begun = (_stream(http, url, load, each, number * apart_s) for number, each in enumerate(scripts))
            results = await asyncio.gather(*begun)
        spoken = {each.recording.name: each.recording for one in scripts for each in one.utterances}
        offline = {name: await _transcribed(http, url, load, each) for name, each in spoken.items()}
    known = {name: text for name, text in offline.items() if text is not None}
    return asr_figures(results, known, load.language, use)


async def _warm_up(http: aiohttp.ClientSession, url: str, load: AsrLoad) -> None:
    """One stream of silence, so that what the first one costs is not counted; it also shows that somebody is there."""
    nothing = script([], seconds=_IDLE_FIRST_S, silence_s=0, chance=random.Random(0))  # noqa: S311 - likewise
    first = await _stream(http, url, load, nothing)
    for _ in range(CALM_TRIES):
        if first.refused_ms is None:
            break
        await asyncio.sleep(CALM_S)
        first = await _stream(http, url, load, nothing)
    if first.failed or first.refused_ms is not None:
        raise EngineError(f"{url}: {first.failed or 'it takes no stream, though nobody else of ours is there'}")


async def _stream(
    http: aiohttp.ClientSession, url: str, load: AsrLoad, plan: StreamScript, phase_s: float = 0.0
) -> StreamResult:
    """One stream from its beginning to its end; whatever happens is in the result. It speaks `phase_s` later."""
    clock = asyncio.get_running_loop().time
    result = StreamResult(plan, load.message_ms * TELEPHONE_RATE // 1000)
    with outcome_in(result, too_late=f"not closed within {CLOSE_S:.0f} s"):
        async with http.ws_connect(url + PATH, params=load.query, max_msg_size=1 << 20) as socket:
            begun = clock() + phase_s
            receiver = asyncio.create_task(_receive(socket, result, begun))
            try:
                await _send(socket, load, result, begun, receiver)
                async with asyncio.timeout(CLOSE_S):
                    await receiver
            finally:
                receiver.cancel()
                await asyncio.gather(receiver, return_exceptions=True)
    return result


async def _send(
    socket: aiohttp.ClientWebSocketResponse,
    load: AsrLoad,
    result: StreamResult,
    begun: float,
    receiver: asyncio.Task[None],
) -> None:
    clock = asyncio.get_running_loop().time
    audio = encode_mulaw(result.script.pcm) if load.encoding == "mulaw" else result.script.pcm
    step = len(audio) * result.message // max(1, len(result.script.pcm) // 2)
    for number, place in enumerate(range(0, len(audio), step), 1):
        due = begun + number * load.message_ms / 1000
        await asyncio.sleep(max(0.0, due - clock()))
        if receiver.done():
            return
        result.late_ms = max(result.late_ms, 1000 * (clock() - due))
        await socket.send_bytes(audio[place : place + step])
        result.sent_s = min(number * load.message_ms / 1000, result.script.seconds)
    await socket.send_str(serialize(CloseStream()))


async def _receive(socket: aiohttp.ClientWebSocketResponse, result: StreamResult, begun: float) -> None:
    """Take what the service says, to `closed`.

    Raises:
        EngineError: It said that it failed, or went away before.
    """
    clock = asyncio.get_running_loop().time
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            continue
        match parse_asr_event(message.data):
            case Final() as final:
                result.finals.append(HeardFinal(final.text, final.start, final.end, clock() - begun))
            case SpeechError() as error:
                raise EngineError(f"{error.code}: {error.message}")
            case AsrClosed() as closed:
                result.dropped_s = closed.dropped_s
                return
    raise EngineError("the service went away")


async def _transcribed(http: aiohttp.ClientSession, url: str, load: AsrLoad, recording: Recording) -> str | None:
    """What `/v1/transcribe` makes of the sound that was sent; None where it does not."""
    pcm = decode_mulaw(encode_mulaw(recording.pcm)) if load.encoding == "mulaw" else recording.pcm
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(TELEPHONE_RATE)
        writer.writeframes(pcm)
    query: Mapping[str, str] = {"language": load.language}
    with suppress(aiohttp.ClientError, TimeoutError):
        for _ in range(CALM_TRIES):
            async with http.post(f"{url}/v1/transcribe", params=query, data=file.getvalue()) as answer:
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    answer.raise_for_status()
                    return str((await answer.json())["text"])
            await asyncio.sleep(CALM_S)
    return None
