"""The history of a conversation as a model gets it: what the caller said, and what the caller *heard*. Pure.

* Of an answer that was interrupted only the part that was heard stands there, to the word, and a dash.
* An answer that was withdrawn stands nowhere; the words of its turn are in the turn that followed.
* Fixed words ("One moment.") are not the model's, so it is not told that it said them: it would learn to.
* Every call of a tool has its result, whatever became of it, since the API insists on that.
* It is bounded: whole exchanges are dropped, the oldest first. The latest turn of the caller's stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from media_server.dialplan.agent.chat import Message, ToolCall

MAX_MESSAGES = 80
MAX_CHARACTERS = 40_000
MAX_TURN = 4000
"""Characters of one turn of the caller's."""
CUT = "—"
UNFINISHED = "This did not finish: the caller interrupted."


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that was given to the voice. `round`: the model's answer that it is of; None for fixed words."""

    text: str
    round: int | None = None


@dataclass(slots=True)
class Exchange:
    """A turn of the caller's and the answer to it, which may take several rounds with tools.

    Attributes:
        asked: What the caller said or pressed.
        pieces: What was given to the voice, in order.
        rounds: The tools that the model called in each round.
        results: What they gave, by the call's id.
    """

    asked: str
    pieces: list[Piece] = field(default_factory=list)
    rounds: list[tuple[ToolCall, ...]] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)

    def messages(self, heard: int | None) -> list[Message]:
        """It as messages. `heard`: how many characters of the pieces were heard; None: all of them."""
        messages: list[Message] = [{"role": "user", "content": self.asked[:MAX_TURN]}]
        last = max([len(self.rounds), *(piece.round + 1 for piece in self.pieces if piece.round is not None)])
        texts = self._texts(heard, last)
        for number in range(last):
            calls = self.rounds[number] if number < len(self.rounds) else ()
            if calls:
                messages.append(
                    {
                        "role": "assistant",
                        "content": texts[number] or None,
                        "tool_calls": [_call(call) for call in calls],
                    }
                )
                messages += [
                    {"role": "tool", "tool_call_id": call.id, "content": self.results.get(call.id, UNFINISHED)}
                    for call in calls
                ]
            elif texts[number]:
                messages.append({"role": "assistant", "content": texts[number]})
        return messages

    def _texts(self, heard: int | None, rounds: int) -> list[str]:
        """What was heard of each round of the model's."""
        texts = [""] * rounds
        left = sum(len(piece.text) for piece in self.pieces) if heard is None else heard
        cut = False
        latest: int | None = None
        for piece in self.pieces:
            part = piece.text[: max(0, left)]
            left -= len(piece.text)
            cut = cut or bool(piece.text[len(part) :].strip())
            if piece.round is not None and part.strip():
                texts[piece.round] += part
                latest = piece.round
        if cut and latest is not None:
            texts[latest] = texts[latest].rstrip() + CUT
        return [text.strip() for text in texts]


def _call(call: ToolCall) -> Message:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def assemble(instructions: str, past: Sequence[Sequence[Message]], present: Sequence[Message]) -> list[Message]:
    """The messages of a request: the instructions, as many exchanges as there is room for, the present one."""
    room, messages = MAX_MESSAGES - len(present), list(present)
    characters = MAX_CHARACTERS - sum(map(_size, present))
    for exchange in reversed(past):
        room -= len(exchange)
        characters -= sum(map(_size, exchange))
        if room < 0 or characters < 0:
            break
        messages = [*exchange, *messages]
    return [{"role": "system", "content": instructions}, *_alternating(messages)]


def _size(message: Message) -> int:
    return len(message.get("content") or "") + sum(
        len(call["function"]["arguments"]) for call in message.get("tool_calls", ())
    )


def _alternating(messages: Sequence[Message]) -> list[Message]:
    """Turns of the caller's that nothing came between are one: some models refuse two in a row."""
    joined: list[Message] = []
    for message in messages:
        if joined and message["role"] == joined[-1]["role"] == "user":
            joined[-1] = {"role": "user", "content": f"{joined[-1]['content']}\n{message['content']}"}
        else:
            joined.append(message)
    return joined
