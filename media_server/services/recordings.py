"""Recordings that a client sends, as linear PCM: decoded by `media_server.audio_file` in a process of its own."""

import asyncio
import sys
from asyncio import FIRST_COMPLETED
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress

from media_server.errors import TooLarge, Undecodable, UnsupportedMedia

CHUNK = 32 * 1024
"""Bytes of sound at a time: a second at 16 kHz."""
STALLED_S = 30.0
"""A decoder that gives nothing for so long, with input at hand, is stuck."""


async def decoded(file: AsyncIterator[bytes], *, rate: int, most_s: float) -> AsyncIterator[bytes]:
    """The sound of a recording, mono, as it comes in.

    Raises:
        UnsupportedMedia: It is in no container that we know.
        Undecodable: There is no sound in it that can be decoded.
        TooLarge: It is longer than `most_s`.
    """
    command = (sys.executable, "-P", "-m", "media_server.audio_file", str(rate), str(most_s))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL)
    feeding = asyncio.create_task(_feed(process, file))
    try:
        assert process.stdout is not None
        while sound := await _read(process, feeding):
            yield sound
        _check(await process.wait())
    finally:
        feeding.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        await asyncio.gather(feeding, return_exceptions=True)
        await process.wait()


async def _feed(process: Process, file: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough
        async for piece in file:
            process.stdin.write(piece)
            await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process, feeding: asyncio.Task[None]) -> bytes:
    """The next sound; a client that is slow is no fault of the decoder's."""
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
    match code:  # audio_file.Exit; that module is not imported here, since it brings the media libraries with it
        case 0:
            pass
        case 10:
            raise UnsupportedMedia("No recording that is known: wav, mp3, flac, ogg, webm, m4a and aac are")
        case 12:
            raise TooLarge("The recording is too long")
        case _:
            raise Undecodable("The recording cannot be decoded")
