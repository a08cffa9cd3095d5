"""`media-server bench tts`: many streams at once on a synthesiser's public API, each one sentence after the other."""

import asyncio
import random
from dataclasses import dataclass

import aiohttp

from media_server.errors import EngineError
from media_server.evaluation.service_watch import watched
from media_server.evaluation.stream_outcome import outcome_in
from media_server.evaluation.tts_load_figures import SpokenSentence, TtsFigures, VoiceResult, tts_figures
from media_server.protocol.speech import SpeechError, serialize
from media_server.protocol.tts_stream import Speak, TtsDone, TtsReady, parse_tts_event

PATH = "/v1/stream/tts"
CONNECT_S = 10.0
SILENT_S = 30.0
"""A service from which nothing comes for so long does not speak any more."""

SENTENCES = (
    "Your table is number {}, on the terrace at {} Harbour Street.",
    "You are caller number {}, so please hold the line or dial {}.",
    "Train number {} is late, so please take the one that leaves from gate {}.",
    "I have card number {} here, but I still need the code that ends in {}.",
    "Parcel {} was delivered this morning, and a neighbour at number {} signed for it.",
    "Flight {} is boarding now, and your seat is in row {} by the window.",
    "Invoice {} was paid in March, so the balance of your account is {} dollars.",
    "Your ticket is {}, and we will call you back at extension {} by tomorrow.",
)
"""With a number in each clause, another one each time: a service may keep what it has spoken once."""


def sentence(number: int, chance: random.Random) -> str:
    """One that was not said before."""
    return SENTENCES[number % len(SENTENCES)].format(chance.randrange(1000, 10_000), chance.randrange(1000, 10_000))


@dataclass(frozen=True, slots=True)
class TtsLoad:
    """What the streams do.

    Attributes:
        streams: How many at once.
        sentences: How many each asks for.
        listen: Each asks for the next one when the one before would have been heard to its end; else when it is made.
        sample_rate: Of the sound, in Hz.
        voice: Which one.
    """

    streams: int
    sentences: int = 5
    listen: bool = False
    sample_rate: int = 24000
    voice: str = "default"

    @property
    def query(self) -> dict[str, str]:
        """Of the stream's address."""
        return {"encoding": "linear16", "sample_rate": str(self.sample_rate), "voice": self.voice}


async def run_tts_load(url: str, api_key: str | None, load: TtsLoad) -> TtsFigures:
    """Open all streams at once, let them speak, measure.

    Raises:
        EngineError: The service does not answer.
    """
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as http:
        first = await _stream(http, url, TtsLoad(1, 1, voice=load.voice), 0)
        if first.failed or first.refused_ms is not None:
            raise EngineError(f"{url}: {first.failed or 'it takes no stream, though nobody else of ours is there'}")
        async with watched(http, url, headers) as use:
            results = await asyncio.gather(*(_stream(http, url, load, number) for number in range(load.streams)))
    return tts_figures(results, load.sentences, use)


async def _stream(http: aiohttp.ClientSession, url: str, load: TtsLoad, number: int) -> VoiceResult:
    """One stream; whatever happens is in the result. No two begin with the same sentence."""
    clock = asyncio.get_running_loop().time
    result, chance = VoiceResult(), random.Random()  # noqa: S311 - no secret
    with outcome_in(result, too_late=f"nothing came for {SILENT_S:.0f} s"):
        async with http.ws_connect(url + PATH, params=load.query, max_msg_size=1 << 22) as socket:
            await _ready(socket)
            for index in range(load.sentences):
                speak = Speak(text=sentence(number + index, chance), context_id=f"{index}")
                spoken = SpokenSentence(clock())
                result.sentences.append(spoken)
                await socket.send_str(serialize(speak))
                await _hear(socket, spoken, load.sample_rate)
                if load.listen:
                    await asyncio.sleep(max(0.0, spoken.played_until - clock()))
    return result


async def _ready(socket: aiohttp.ClientWebSocketResponse) -> None:
    while not isinstance(await _next(socket), TtsReady):
        pass


async def _hear(socket: aiohttp.ClientWebSocketResponse, spoken: SpokenSentence, sample_rate: int) -> None:
    clock = asyncio.get_running_loop().time
    while True:
        message = await _next(socket)
        if isinstance(message, bytes):
            spoken.arrivals.append((clock(), len(message) / 2 / sample_rate))
        elif isinstance(message, TtsDone):
            spoken.done_at = clock()
            return


async def _next(socket: aiohttp.ClientWebSocketResponse) -> object:
    """The next event, or sound.

    Raises:
        EngineError: The service failed, or went away.
        TimeoutError: Nothing came for too long.
    """
    message = await socket.receive(SILENT_S)
    if message.type is aiohttp.WSMsgType.BINARY:
        return bytes(message.data)
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise EngineError("the service went away")
    event = parse_tts_event(message.data)
    if isinstance(event, SpeechError):
        raise EngineError(f"{event.code}: {event.message}")
    return event
