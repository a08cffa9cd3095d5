"""`working`: the caller knows that we are at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from media_server.audio.tones import WORKING, Tone
from media_server.call.conversation import Conversation


@asynccontextmanager
async def working(conversation: Conversation, text: str | Tone | None = None) -> AsyncIterator[None]:
    """What is done meanwhile may take its time: after 0.8 s `text` (or a soft tone) is said, once; then tones.

    What the caller says meanwhile is kept for the next verb.
    """
    what = text or WORKING
    if isinstance(what, str):
        conversation.voice.prepare(what)
    with conversation.filler.working(what):
        yield
