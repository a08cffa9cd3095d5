"""The calls that Twilio's webhooks told us of: one answer a CallSid, one stream a call.

A webhook that comes again (Twilio retries once; anybody may replay one) gets the answer that it got before and starts
nothing. Who admits calls and runs them is a `Gate`; whatever it does, the webhook is answered in time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, Protocol, TypeVar

import structlog

from media_server.api.stream_token import StreamTokens
from media_server.errors import MediaServerError, Overloaded, Unauthorized
from media_server.protocol.twilio import Start
from media_server.protocol.twiml import connect_twiml, hangup_twiml
from media_server.transports.port import MediaPort
from media_server.transports.twilio_handover import HandoverPort

TOKEN_PARAMETER = "token"  # noqa: S105 - its name
REMEMBERED = 4096
"""CallSids whose answer is kept, so that a replay finds it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call that rings; the texts are what Twilio says, printable and cut to length."""

    call_sid: str
    caller: str
    called: str
    forwarded_from: str
    account_sid: str
    parameters: Mapping[str, str]


class Reservation(Protocol):
    """A place that was kept for a call. It lapses by itself where no stream comes for it."""

    @property
    def route(self) -> str:
        """What answers the call; part of the token."""
        ...


R = TypeVar("R", bound=Reservation)


class Gate(Protocol[R]):
    """Who lets calls in and runs them."""

    async def admit(self, call: IncomingCall) -> R:
        """Keep a place for a call.

        Raises:
            Overloaded: There is none.
            MediaServerError: It cannot be served.
        """
        ...

    async def connect(self, reservation: R, port: MediaPort) -> None:
        """Run the call until it is over."""
        ...


class CallState(Enum):
    """How far a call is."""

    ADMITTING = auto()
    WAITING = auto()
    LIVE = auto()
    RETURNING = auto()
    OVER = auto()
    FAILED = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Phrases:
    """What Twilio's own voice says where ours cannot."""

    busy: str = "All lines are busy right now. Please call again in a few minutes."
    apology: str = "We are sorry, something went wrong. Please call again."


@dataclass(slots=True)
class KnownCall(Generic[R]):
    """A call by its CallSid."""

    account_sid: str
    state: CallState = CallState.ADMITTING
    reservation: R | None = None
    answer: "asyncio.Task[str] | None" = None
    port: HandoverPort | None = None
    """Its streams, where Twilio may have the call for itself in between."""
    call_sid: str = ""
    twiml: str = ""
    """What a call of ours was answered with."""
    token_for: str = ""
    """What its next stream's token is for."""


class TwilioCalls(Generic[R]):
    """The book of calls."""

    def __init__(
        self,
        gate: Gate[R],
        tokens: StreamTokens,
        *,
        stream_url: str,
        ended_url: str,
        phrases: Phrases,
        admit_timeout_s: float,
    ) -> None:
        self._gate = gate
        self._tokens = tokens
        self._stream_url = stream_url
        self._ended_url = ended_url
        self._phrases = phrases
        self._admit_timeout_s = admit_timeout_s
        self._calls: OrderedDict[str, KnownCall[R]] = OrderedDict()
        self._stragglers: set[asyncio.Task[R]] = set()

    async def answer(self, call: IncomingCall) -> str:
        """The TwiML for a webhook; the same for the same CallSid. Never raises."""
        known = self._calls.get(call.call_sid)
        if known is None or known.answer is None:
            known = KnownCall[R](call.account_sid, call_sid=call.call_sid)
            known.answer = asyncio.create_task(self._admit(call, known), name=f"admit {call.call_sid}")
            self._remember(call.call_sid, known)
        # A webhook that is given up must not take the answer of its retry with it.
        return await asyncio.shield(known.answer)

    def expect(self, call_sid: str, account_sid: str, reservation: R) -> str:
        """The TwiML for a call of ours that was answered; the same for the same CallSid. Its place is kept already."""
        known = self._calls.get(call_sid)
        if known is None:
            known = KnownCall[R](account_sid, call_sid=call_sid, reservation=reservation)
            known.twiml = connect_twiml(*self._expect(known, CallState.WAITING, reservation.route))
            self._remember(call_sid, known)
        return known.twiml

    def expect_again(self, known: KnownCall[R], handover_id: str) -> tuple[str, str, dict[str, str]]:
        """What a live call's next stream needs: its address, what is asked after it, its parameters."""
        return self._expect(known, CallState.RETURNING, f"handover {handover_id}")

    def known(self, call_sid: str) -> KnownCall[R] | None:
        """A call, if it is remembered."""
        return self._calls.get(call_sid)

    def claim(self, start: Start) -> KnownCall[R]:
        """The call that a stream belongs to; it is taken from now on.

        Raises:
            Unauthorized: No such call waits, or the token is not this call's. Which of the two is not said.
        """
        known = self._calls.get(start.call_id)
        waits = (CallState.WAITING, CallState.RETURNING)
        if known is None or known.state not in waits or known.reservation is None:
            raise Unauthorized("no call waits for this stream")
        token = start.parameters.get(TOKEN_PARAMETER, "")
        now = asyncio.get_running_loop().time()
        if start.account_id != (known.account_sid or start.account_id) or not self._tokens.is_valid(
            token, start.call_id, known.token_for, now
        ):
            raise Unauthorized("no call waits for this stream")
        known.state = CallState.LIVE
        return known

    def farewell(self, call_sid: str) -> str:
        """The TwiML after a stream: hang up, after an apology where the call did not come to its end in order."""
        known = self._calls.get(call_sid)
        if known is not None and known.state is CallState.OVER:
            return hangup_twiml()
        return hangup_twiml(self._phrases.apology)

    async def _admit(self, call: IncomingCall, known: KnownCall[R]) -> str:
        task = asyncio.create_task(self._gate.admit(call))
        await asyncio.wait({task}, timeout=self._admit_timeout_s)
        known.state = CallState.REFUSED
        if not task.done():
            self._abandon(task)
            _log.error("twilio.admission_too_slow", call_sid=call.call_sid, seconds=self._admit_timeout_s)
            return hangup_twiml(self._phrases.apology)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            return self._refusal(call, error)
        known.reservation = task.result()
        return connect_twiml(*self._expect(known, CallState.WAITING, known.reservation.route))

    def _expect(self, known: KnownCall[R], state: CallState, purpose: str) -> tuple[str, str, dict[str, str]]:
        known.state, known.token_for = state, purpose
        token = self._tokens.mint(known.call_sid, purpose, asyncio.get_running_loop().time())
        return self._stream_url, self._ended_url, {TOKEN_PARAMETER: token}

    def _refusal(self, call: IncomingCall, error: BaseException) -> str:
        if isinstance(error, Overloaded):
            _log.warning("twilio.call_refused", call_sid=call.call_sid, code=error.code, reason=error.message)
            return hangup_twiml(self._phrases.busy)
        if isinstance(error, MediaServerError):
            _log.error("twilio.call_refused", call_sid=call.call_sid, code=error.code, reason=error.message)
        else:
            _log.error("twilio.admission_failed", call_sid=call.call_sid, exc_info=error)
        return hangup_twiml(self._phrases.apology)

    def _abandon(self, task: "asyncio.Task[R]") -> None:
        """Cancel an admission that took too long; its place, should it still get one, lapses."""
        task.cancel()
        self._stragglers.add(task)
        task.add_done_callback(self._stragglers.discard)
        task.add_done_callback(_retrieve)

    def _remember(self, call_sid: str, known: KnownCall[R]) -> None:
        self._calls[call_sid] = known
        if len(self._calls) <= REMEMBERED:
            return
        running = (CallState.ADMITTING, CallState.LIVE, CallState.RETURNING)
        oldest = next((sid for sid, each in self._calls.items() if each.state not in running), None)
        if oldest is not None:
            del self._calls[oldest]


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Take notice of how a task ended, so that asyncio does not complain that nobody did."""
    if not task.cancelled():
        task.exception()
