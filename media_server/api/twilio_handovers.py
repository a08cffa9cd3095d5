"""What Twilio asks while it has a call for itself: what comes after a dial, what to whisper, that somebody answered.

A handover is known by its id, which stands in the addresses that Twilio got; whoever does not know it moves nothing,
and one that has ended is known no more. Its next stream needs a token of its own: the first one's does not fit.
"""

from typing import Generic

import structlog

from media_server.api.twilio_calls import CallState, KnownCall, R, TwilioCalls
from media_server.protocol.twilio_signature import Form
from media_server.protocol.twiml import DialAddresses, connect_twiml, hangup_twiml, say_twiml
from media_server.transports.handover import Handover
from media_server.transports.port import MediaPort
from media_server.transports.twilio import TwilioPort
from media_server.transports.twilio_handover import HandoverLimits, HandoverPort
from media_server.transports.twilio_rest import TwilioRest

FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""States of a call from which it does not come back."""

_log = structlog.get_logger(__name__)


class Handovers(Generic[R]):
    """All handovers that are under way."""

    def __init__(
        self,
        calls: TwilioCalls[R],
        rest: TwilioRest | None,
        *,
        public_base: str,
        limits: HandoverLimits,
    ) -> None:
        self._calls = calls
        self._rest = rest
        self._base = public_base
        self._limits = limits
        self._ports: dict[str, HandoverPort] = {}

    def controlled(self, port: TwilioPort, known: KnownCall[R]) -> MediaPort:
        """A call's first stream, with all that may be done with the call; without REST it is nothing but a stream."""
        if self._rest is None:
            return port
        known.port = HandoverPort(port, self._rest, lambda made: _CallDesk(self, made, known), self._limits)
        return known.port

    def dialled(self, handover_id: str, form: Form) -> str:
        """The TwiML after a dial: back to us, or hang up."""
        port = self._ports.get(handover_id)
        if port is None or (handover := port.handover) is None:
            _log.warning("twilio.handover_unknown", call_sid=form.first("CallSid")[:64])
            return hangup_twiml()
        back = handover.receive_dialled(
            form.first("DialCallStatus"),
            form.first("CallStatus"),
            bridged=form.first("DialBridged") != "false",
            back_s=self._limits.back_s,
        )
        return connect_twiml(*port.desk.stream(handover)) if back else hangup_twiml()

    def whisper(self, handover_id: str) -> str:
        """The TwiML for the one who is called."""
        port = self._ports.get(handover_id)
        return say_twiml(port.handover.whisper if port is not None and port.handover is not None else "")

    def answered(self, handover_id: str) -> None:
        """The one who is called has answered."""
        port = self._ports.get(handover_id)
        if port is not None and port.handover is not None:
            port.handover.receive_answered()

    def status(self, call_sid: str, status: str) -> None:
        """How a call goes on; where Twilio has it for itself, its end is told by nothing else."""
        known = self._calls.known(call_sid)
        if status in FINAL and known is not None and known.port is not None and known.port.handover is not None:
            known.port.handover.hung_up(talked=known.port.handover.answered)

    # --- desks ---------------------------------------------------------------------------------------------------

    def dialling(self, handover: Handover, port: HandoverPort) -> DialAddresses:
        """Expect what Twilio asks about a handover."""
        self._ports[handover.id] = port
        action, whisper, answered = (
            f"{self._base}/twilio/{route}?handover={handover.id}" for route in ("transferred", "whisper", "callee")
        )
        return DialAddresses(action, whisper, answered)

    def stream(self, handover: Handover, known: KnownCall[R]) -> tuple[str, str, dict[str, str]]:
        """Expect the call's next stream."""
        return self._calls.expect_again(known, handover.id)

    def close(self, handover: Handover, known: KnownCall[R]) -> None:
        """Expect nothing more."""
        self._ports.pop(handover.id, None)
        if known.state is CallState.RETURNING:
            known.state = CallState.LIVE


class _CallDesk(Generic[R]):
    """The desk for one call."""

    def __init__(self, handovers: Handovers[R], port: HandoverPort, known: KnownCall[R]) -> None:
        self._handovers = handovers
        self._port = port
        self._known = known

    def dialling(self, handover: Handover) -> DialAddresses:
        return self._handovers.dialling(handover, self._port)

    def stream(self, handover: Handover) -> tuple[str, str, dict[str, str]]:
        return self._handovers.stream(handover, self._known)

    def close(self, handover: Handover) -> None:
        self._handovers.close(handover, self._known)
