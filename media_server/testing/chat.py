"""A chat with a dialplan: the real one, by text, without models. Speech takes no time, all else its own.

While the user thinks, nobody asks them whether they are still there: `/silence` is how one says nothing.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import assert_never

from media_server.call.chronicle import CallFacts
from media_server.call.conversation import Conversation
from media_server.call.events import AgentSaid, CallEvent
from media_server.testing.chat_lines import (
    HangUp,
    Interrupt,
    Press,
    Say,
    Show,
    Silence,
    Typed,
    agent_line,
    note_line,
    parse_line,
)
from media_server.testing.chat_wire import CUT_S, ChatLexicon, Reader
from media_server.testing.clock import VirtualTime, virtual_time
from media_server.testing.doubles import FakeEngines, FakeVoice
from media_server.testing.ear import Ear
from media_server.testing.exchange import Exchange
from media_server.testing.port import CallersPort
from media_server.testing.stage import Performance, speech_of
from media_server.turn.floor import Holder

LOOKS_EVERY_S = 0.02
QUIET_S = 0.1
"""It is the caller's move when it was for so long."""
ANSWERS_S = 20.0
"""How long a line waits for that."""
NO_INPUT_S = 8.0
EVERYWHERE = ("+*", "sip:*@*")


class Chat:
    """One call by text. `write(line, dimmed)` shows something."""

    def __init__(
        self, facts: CallFacts, performance: Performance, write: Callable[[str, bool], None], *, piped: bool
    ) -> None:
        """`piped`: the lines are not seen as they are typed, so they are shown."""
        self._facts = facts
        self._performance = performance
        self._write = write
        self._piped = piped
        self._lexicon = ChatLexicon()
        self._readers = FakeEngines(self._new_reader)
        self._voices = FakeEngines(lambda: FakeVoice(0.0, self._lexicon))
        self._reader: Reader | None = None
        self._thinks = True
        self._interruption: str | None = None

    async def run(self, lines: AsyncIterator[str]) -> int:
        """Talk until the call or the lines end; returns the exit code: 1 where the dialplan failed."""
        with virtual_time(jumps=False) as clock:
            self._port = CallersPort(Ear(self._lexicon), voiced=lambda _begin, _end: False)
            self._port.changed = self._sounds
            self._port.control = Exchange({}, self._port.go_away)
            speech = await speech_of(
                self._readers,
                self._voices,
                making=self._voices,
                phrases=(),
                no_input_s=NO_INPUT_S,
                allowed_destinations=EVERYWHERE,
            )
            self._conversation = Conversation(self._facts, self._port, speech, self._receive)
            call = asyncio.create_task(self._conversation.run(self._performance.plan))
            side = [asyncio.create_task(self._think()), asyncio.create_task(self._type(lines, clock))]
            await asyncio.wait({call, side[1]}, return_when=asyncio.FIRST_COMPLETED)
            if not call.done():
                await self._quiet()
                self._port.hang_up()
                await call
            for task in side:
                task.cancel()
            outcomes = await asyncio.gather(*side, return_exceptions=True)
            await self._performance.http.aclose()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return self._tell_the_end()

    def _tell_the_end(self) -> int:
        record = self._conversation.chronicle.record
        reason = (record.ended_reason or "").replace("_", " ")
        self._write(f"ended   {reason}   {record.duration_s:.0f} s", True)
        failure = self._performance.failure(record)
        if failure:
            self._write(failure, False)
        return 1 if failure else 0

    # --- what is shown -------------------------------------------------------------------------------------------

    def _receive(self, event: CallEvent) -> None:
        if isinstance(event, AgentSaid):
            self._write(f"agent   {agent_line(event)}", False)
        elif (line := note_line(event)) is not None:
            self._write(f"        {line}", True)

    # --- what is typed -------------------------------------------------------------------------------------------

    async def _type(self, lines: AsyncIterator[str], clock: VirtualTime) -> None:
        async for line in lines:
            typed = parse_line(line)
            if typed is None:
                continue
            if self._piped or not isinstance(typed, Interrupt):
                await self._quiet()
            if self._piped and not isinstance(typed, Show):
                self._write(f"caller  {line.strip()}", False)
            await self._do(typed, clock)

    async def _do(self, typed: Typed, clock: VirtualTime) -> None:
        match typed:
            case Say():
                self._read(typed.text)
            case Press():
                for key in typed.keys:
                    self._port.press(key)
            case Interrupt():
                self._interrupt(typed.text)
            case Silence():
                self._thinks = False
                clock.skip(NO_INPUT_S)
                await asyncio.sleep(QUIET_S)
                self._thinks = True
            case HangUp():
                self._port.hang_up()
            case Show():
                self._write(typed.text, True)
            case _:
                assert_never(typed)

    def _read(self, text: str) -> None:
        if self._reader is not None:
            self._reader.read(text)
        else:
            self._write("        the dialplan does not listen", True)

    def _new_reader(self) -> Reader:
        self._reader = Reader()
        return self._reader

    def _interrupt(self, text: str) -> None:
        """Say it into what the agent is saying, or says next."""
        if self._conversation.leg.floor.agent_speaks:
            self._read(text)
        else:
            self._interruption = text
            self._lexicon.slowly(slow=True)
            self._write("        you will say it into what the agent says next", True)

    def _sounds(self) -> None:
        """The agent begins to say what is to be interrupted."""
        text, self._interruption = self._interruption, None
        if text is not None:
            self._lexicon.slowly(slow=False)
            asyncio.get_running_loop().call_later(CUT_S, self._read, text)

    async def _think(self) -> None:
        """The caller is there, though they say nothing yet."""
        floor = self._conversation.leg.floor
        while True:
            if self._thinks and floor.holder is Holder.FREE:
                floor.since = self._conversation.now()
            await asyncio.sleep(LOOKS_EVERY_S)

    # --- what the agent does -------------------------------------------------------------------------------------

    async def _quiet(self) -> None:
        """Until it is the caller's move, and stays so; in the end the caller does not wait for it."""
        call, quiet, left = self._conversation, 0.0, ANSWERS_S
        while quiet < QUIET_S and left > 0 and not call.over.is_set():
            await asyncio.sleep(LOOKS_EVERY_S)
            left -= LOOKS_EVERY_S
            done = call.filler.is_theirs and call.leg.playout.idle
            quiet = quiet + LOOKS_EVERY_S if done else 0.0
