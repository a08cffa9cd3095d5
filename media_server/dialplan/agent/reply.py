"""One answer on its way to the voice: the model's pieces, and words of waiting wherever the caller would meet silence.

Silence is counted from when the turn was committed, from the end of all sound that is made, and from the latest text:
after `PATIENCE_S` of it a few words say that we are still there. A tool's own filler comes sooner, once the tool has
taken `TOOL_PATIENCE_S`. They stand between sentences, never within one.
"""

import asyncio
from collections.abc import AsyncGenerator
from itertools import count

from media_server.dialplan.agent.history import Piece
from media_server.dialplan.agent.mind import Answered, Mind
from media_server.dialplan.agent.outcome import Outcome
from media_server.dialplan.agent.thinking import Running, Thinking
from media_server.dialplan.turns import Turn

PATIENCE_S = 1.5
TOOL_PATIENCE_S = 0.7
_TICK_S = 0.1


class Reply:
    """The answer to one turn. `text` is what the voice says."""

    def __init__(self, mind: Mind, present: Answered) -> None:
        self._mind = mind
        self._present = present
        self._now = mind.conversation.now
        self._thinking = Thinking(mind, present)
        self._latest = 0.0
        """When there was text last."""
        self._fillers = count()
        self._filled: Running | None = None
        """The tool whose filler was said."""

    @property
    def turn(self) -> Turn:
        """What it answers."""
        return self._present.turn

    @property
    def ending(self) -> Outcome | None:
        """How the conversation is to end, once it was heard."""
        return self._thinking.ending

    @property
    def failed(self) -> bool:
        """The model was of no use."""
        return self._thinking.failed

    async def text(self) -> AsyncGenerator[str, None]:
        """The text, in pieces that can be spoken."""
        thinking = asyncio.create_task(self._thinking.run(), name="thinking")
        try:
            while (piece := await self._next()) is not None:
                self._present.exchange.pieces.append(piece)
                self._latest = self._now()
                yield piece.text
        finally:
            thinking.cancel()
            await asyncio.gather(thinking, return_exceptions=True)
            self._present.done.set()

    async def _next(self) -> Piece | None:
        while True:
            try:
                async with asyncio.timeout(_TICK_S):
                    return await self._thinking.next()
            except TimeoutError:
                if (words := self._words_of_waiting()) is not None:
                    return Piece(f"{words} ")

    def _words_of_waiting(self) -> str | None:
        """What to say now, if the caller waits for too long."""
        silent_s = self._silent_s()
        running = self._thinking.running
        if running is not None and running.filler and running is not self._filled:
            if self._now() - running.since >= TOOL_PATIENCE_S and silent_s > 0:
                self._filled = running
                return running.filler
        elif silent_s >= PATIENCE_S:
            words = self._mind.words.one_moment
            number = next(self._fillers)
            return words[0] if number == 0 or len(words) == 1 else words[1 + (number - 1) % (len(words) - 1)]
        return None

    def _silent_s(self) -> float:
        """For how long the caller has heard nothing of us, though it is our turn."""
        committed_at, speaking = self.turn.committed_at, self.turn.answer
        if committed_at is None or speaking is None:
            return 0.0
        sounds_until = self._mind.conversation.voice.sounds_until(speaking)
        silent_s = self._now() - max(committed_at, self._latest, sounds_until)
        if silent_s > 0:
            speaking.utterance.rests = True
        return silent_s
