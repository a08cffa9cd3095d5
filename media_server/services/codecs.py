"""Sound in files of all kinds: `media_server.audio_decoder` and `audio_encoder`, in processes of their own."""

import asyncio
import sys
from asyncio import FIRST_COMPLETED
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from media_server.audio_decoder import Exit
from media_server.errors import TooLarge, Undecodable, UnsupportedMedia

CHUNK = 32 * 1024
"""Bytes at a time: a second of sound at 16 kHz."""
STALLED_S = 30.0
"""A program that gives nothing for so long, having got all, is stuck."""


def decoded(file: AsyncIterator[bytes], *, rate: int, most_s: float, live: bool = False) -> AsyncGenerator[bytes, None]:
    """The sound of a recording, linear PCM, mono, as it comes in; `live`: of a stream that is being made.

    Raises:
        UnsupportedMedia: It is in no container that we know.
        Undecodable: There is no sound in it that can be decoded.
        TooLarge: It is longer than `most_s`.
    """
    arguments = (str(rate), str(most_s), *(("live",) if live else ()))
    return _through("media_server.audio_decoder", *arguments, source=file)


def encoded(sound: AsyncIterator[bytes], *, kind: str, rate: int) -> AsyncGenerator[bytes, None]:
    """A file of linear PCM, mono, as it is made. `kind`: one of `audio_encoder.FORMATS`."""
    return _through("media_server.audio_encoder", kind, str(rate), source=sound)


async def _through(module: str, *arguments: str, source: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """What a program makes of it. It ends with us, and with the reader."""
    command = (sys.executable, "-P", "-m", module, *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL)
    feeding = asyncio.create_task(_feed(process, source))
    try:
        while made := await _read(process, feeding):
            yield made
        _check(await process.wait())
    finally:
        await asyncio.shield(_end(process, feeding))


async def _end(process: Process, feeding: asyncio.Task[None]) -> None:
    feeding.cancel()
    with suppress(ProcessLookupError):
        process.kill()
    await asyncio.gather(feeding, return_exceptions=True)
    await process.communicate()  # to the end of what it made: a pipe with something in it would stay open


async def _feed(process: Process, source: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough
        async for piece in source:
            process.stdin.write(piece)
            await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process, feeding: asyncio.Task[None]) -> bytes:
    """What it makes next; a source that is slow is no fault of its own, but what goes wrong there is raised."""
    assert process.stdout is not None
    reading = asyncio.create_task(process.stdout.read(CHUNK))
    try:
        while not reading.done():
            fed = feeding.done()
            await asyncio.wait({reading} if fed else {reading, feeding}, timeout=STALLED_S, return_when=FIRST_COMPLETED)
            if feeding.done():
                feeding.result()
            if fed and not reading.done():
                raise Undecodable("The recording cannot be decoded: it takes too long")
        return reading.result()
    finally:
        reading.cancel()


def _check(code: int) -> None:
    """Raise what an exit code means."""
    match code:
        case Exit.DONE:
            pass
        case Exit.UNKNOWN:
            raise UnsupportedMedia("No recording that is known: wav, mp3, flac, ogg, webm, m4a and aac are")
        case Exit.TOO_LONG:
            raise TooLarge("The recording is too long")
        case _:
            raise Undecodable("The recording cannot be decoded")
