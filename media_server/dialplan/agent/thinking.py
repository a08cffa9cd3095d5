"""What a model makes of one turn: rounds of text and tools, as pieces for the voice. Never raises on its account.

Text may be thought before the turn is over; a tool is run only once it is committed, and then the turn is never taken
back. A tool with an effect runs once for one turn and the same arguments, and goes on when the caller interrupts.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from media_server.call.events import Fault
from media_server.dialplan.agent.chat import ChatRequest, Finished, TextDelta, ToolCall
from media_server.dialplan.agent.history import Piece
from media_server.dialplan.agent.mind import Answered, Mind
from media_server.dialplan.agent.outcome import Ended, HandOver, Outcome
from media_server.dialplan.agent.patience import within
from media_server.dialplan.agent.thoughts import ThoughtFilter
from media_server.dialplan.agent.toolbox import END_CALL, Ran, Toolbox
from media_server.errors import ModelError, ModelUnavailable
from media_server.turn.sentences import SentenceSplitter

log = structlog.get_logger(__name__)

CHARACTERS_A_TOKEN = 4
LONGEST_TOKEN = 8
"""Characters; an answer that is longer than so many for each of its tokens has run away."""
MAX_RETRY_S = 2.0
"""How long a model that is too busy is left alone before it is asked once more."""
NOT_RUN = "Error: too many tools at once; call this one again."


@dataclass(frozen=True, slots=True)
class Running:
    """A tool runs. `filler`: the author's words for the caller meanwhile."""

    since: float
    filler: str


class Thinking:
    """One turn's. `run` is its task; `next` gives the pieces."""

    def __init__(self, mind: Mind, present: Answered) -> None:
        self._mind = mind
        self._present = present
        self._now = mind.conversation.now
        self._pieces: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()
        self._said = False
        """The model has said something in this round."""
        self._spoke = False
        """The model has said something at all."""
        self._once: dict[tuple[str, str], asyncio.Task[Ran]] = {}
        self.running: Running | None = None
        self.ending: Outcome | None = None
        """How the conversation is to end, once this was heard."""
        self.failed = False
        """The model was of no use."""

    async def next(self) -> Piece | None:
        """The next piece; None at the end.

        Raises:
            Exception: A fault of ours.
        """
        piece = await self._pieces.get()
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def run(self) -> None:
        """Think it through."""
        try:
            await self._mind.those_before(self._present)
            await self._think(await asyncio.shield(self._mind.toolbox))
        except ModelError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - it is raised again where the pieces are taken
            self._pieces.put_nowait(error)
        finally:
            self._pieces.put_nowait(None)

    async def _think(self, toolbox: Toolbox) -> None:
        limits = self._mind.limits
        for number in range(limits.max_tool_rounds + 1):
            if self._mind.tokens >= limits.max_call_tokens:
                break
            request = self._mind.request(self._present, toolbox, may_call=number < limits.max_tool_rounds)
            calls = await self._round(request, number)
            if not calls:
                return
            await self._run(calls, toolbox)
            if self.ending is not None:
                return
        self._say(self._mind.words.limit)
        self.ending = Ended.LIMIT

    async def _round(self, request: ChatRequest, number: int) -> Sequence[ToolCall]:
        """Ask the model; one that has nothing to say is asked once more."""
        self._said = False
        for _ in range(2):
            finished = await self._ask(request, number)
            if finished.calls or self._said:
                return self._distinct(finished.calls, number)
        if not self._spoke:
            self._say(self._mind.words.again)
        return ()

    def _distinct(self, calls: Sequence[ToolCall], number: int) -> list[ToolCall]:
        """The calls of a round under ids that no other round has, whatever the API gave."""
        known = {call.id for earlier in self._present.exchange.rounds for call in earlier}
        distinct: list[ToolCall] = []
        for call in calls:
            name = call.id if call.id not in known else f"{call.id}_{number}_{len(distinct)}"
            known.add(name)
            distinct.append(replace(call, id=name))
        return distinct

    # --- the model -----------------------------------------------------------------------------------------------

    async def _ask(self, request: ChatRequest, number: int) -> Finished:
        """One answer; where it fails before its first word, and may succeed later, it is asked once more.

        Raises:
            ModelError: It failed.
        """
        patience, began = self._mind.patience, self._now()
        try:
            return await self._stream(request, number, patience.first_token_s)
        except ModelUnavailable as error:
            left = patience.first_token_s - (self._now() - began) - error.retry_after_s
            if self._said or left <= 0 or error.retry_after_s > MAX_RETRY_S:
                raise
            log.info("model_asked_again", call=self._mind.conversation.facts.id, error=error.message)
            await asyncio.sleep(error.retry_after_s or min(0.2, left / 2))
        return await self._stream(request, number, left)

    async def _stream(self, request: ChatRequest, number: int, first_token_s: float) -> Finished:
        splitter, thoughts = SentenceSplitter(), ThoughtFilter()
        room = self._mind.limits.max_tokens * LONGEST_TOKEN
        spent = sum(len(str(message)) for message in request.messages) // CHARACTERS_A_TOKEN
        self._mind.tokens += spent
        patience = replace(self._mind.patience, first_token_s=first_token_s)
        finished = Finished("length")
        events = within(self._mind.model.stream(request), patience)
        try:
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Finished):
                        finished = event
                    elif isinstance(event, TextDelta):
                        text = thoughts.feed(event.text)[: max(0, room)]
                        room -= len(text)
                        for piece in splitter.feed(text):
                            self._put(piece, number)
                        if room <= 0:
                            break
        finally:
            self._put(splitter.flush() + thoughts.flush(), number)
            written = self._mind.limits.max_tokens - room // LONGEST_TOKEN
            self._mind.tokens += max(written, (finished.tokens or 0) - spent)
        return finished

    def _put(self, text: str, number: int) -> None:
        """A piece that can be spoken; what follows it begins a new one."""
        if text.strip():
            self._said = self._spoke = True
            self._pieces.put_nowait(Piece(text if text.endswith("\n") else f"{text.strip()} ", number))

    def _say(self, words: str) -> None:
        self._pieces.put_nowait(Piece(f"{words} "))

    def _fail(self, error: ModelError) -> None:
        """Words for a model that is of no use; one that refuses will not do better the next time."""
        self.failed = True
        if not error.retryable:
            self.ending = Ended.DOWN
        conversation = self._mind.conversation
        log.warning("model_failed", call=conversation.facts.id, error=error.message)
        conversation.chronicle.tell(Fault, code=error.code, message=error.message[:200])
        self._say(self._mind.words.lost if self._said else self._mind.when_down)

    # --- tools ---------------------------------------------------------------------------------------------------

    async def _run(self, calls: Sequence[ToolCall], toolbox: Toolbox) -> None:
        """Run what the model wants to be run, once the turn is over for certain."""
        await self._present.turn.committed()
        exchange = self._present.exchange
        exchange.rounds.append(tuple(calls))
        wanted = [call for call in calls if call.name != END_CALL]
        for call in wanted[self._mind.limits.max_parallel_tools :]:
            exchange.results[call.id] = NOT_RUN
        wanted = wanted[: self._mind.limits.max_parallel_tools]
        fillers = [known.filler for call in wanted if (known := toolbox.get(call.name)) is not None and known.filler]
        self.running = Running(self._now(), fillers[0] if fillers and not self._said else "")
        try:
            results = await asyncio.gather(*(self._run_one(call, toolbox) for call in wanted))
        finally:
            self.running = None
        transfer = next((ran.transfer for ran in results if ran.transfer is not None), None)
        if transfer is not None:
            self.ending = HandOver.of(transfer)
        elif any(call.name == END_CALL for call in calls):
            self.ending = Ended.GOODBYE
            if not self._spoke:
                self._say(self._mind.words.goodbye)
        for call in calls:
            exchange.results.setdefault(call.id, "Done.")

    async def _run_one(self, call: ToolCall, toolbox: Toolbox) -> Ran:
        results = self._present.exchange.results
        known = toolbox.get(call.name)
        if known is None or not known.effect:
            ran = await toolbox.run(call)
            results[call.id] = ran.text
            return ran
        key = (call.name, _canonical(call.arguments))
        if key not in self._once:
            task = self._once[key] = asyncio.create_task(toolbox.run(call), name=f"tool {call.name}")
            self._mind.effects.add(task)
            task.add_done_callback(self._mind.effects.discard)
        task = self._once[key]
        task.add_done_callback(lambda done: _note(results, call.id, done))
        return await asyncio.shield(task)


def _note(results: dict[str, str], call_id: str, done: "asyncio.Task[Ran]") -> None:
    if not done.cancelled():
        results[call_id] = done.result().text


def _canonical(arguments: str) -> str:
    """Arguments that mean the same are the same."""
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
