"""The books of a leg balance, whatever the wire does and whoever listens."""

import asyncio
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from media_server.audio.frame import AudioFrame
from media_server.call.leg import MAX_BACKLOG_S, Leg
from media_server.transports.loopback import LoopbackPort
from media_server.transports.port import AudioArrived, AudioDropped, DigitArrived, MarkReturned, PortEvent

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("audio"), st.integers(1, 400)),
        st.tuples(st.just("filled"), st.integers(1, 16_000)),
        st.tuples(st.just("dropped"), st.integers(0, 400)),
        st.tuples(st.just("listen"), st.just(0)),
        st.tuples(st.just("take"), st.integers(1, 5)),
        st.tuples(st.just("close"), st.just(0)),
        st.tuples(st.just("other"), st.just(0)),
    ),
    max_size=60,
)


class Wire(LoopbackPort):
    """A port that brings what the test says."""

    def __init__(self, leg_does: list[tuple[str, int]]) -> None:
        super().__init__()
        self.steps = leg_does
        self.leg: Leg | None = None
        self.position = 0

    async def events(self) -> AsyncIterator[PortEvent]:  # type: ignore[explicit-override]
        for step, value in self.steps:
            match step:
                case "audio" | "filled":
                    frame = AudioFrame(bytes(2 * value), 8000, self.position)
                    self.position += value
                    yield AudioArrived(frame, filled=step == "filled")
                case "dropped":
                    yield AudioDropped(value, "late")
                case "other":
                    yield DigitArrived("1")
                    yield MarkReturned("g0.160")
                case _:
                    await self.listener(step, value)

    async def listener(self, step: str, value: int) -> None:
        assert self.leg is not None
        if step == "listen" and self.leg.queue is None:
            self.leg.listen()
        elif step == "close" and self.leg.queue is not None:
            self.leg.queue.close()
            self.leg.queue = None
        elif step == "take" and self.leg.queue is not None:
            self.leg.queue.end()
            for _ in range(value):
                await self.leg.queue.get()


@given(STEPS)
def test_received_and_filled_are_delivered_dropped_or_unlistened(steps: list[tuple[str, int]]) -> None:
    async def call() -> None:
        port = Wire(steps)
        leg = port.leg = Leg(port, asyncio.get_running_loop().time)
        await leg.read()
        if leg.queue is not None:
            leg.queue.close()
        assert leg.ledger.balances
        assert leg.ledger.received == sum(value for step, value in steps if step in ("audio", "dropped"))
        assert leg.ledger.filled == sum(value for step, value in steps if step == "filled")

    asyncio.run(call())


async def test_a_listener_that_sleeps_costs_the_oldest_sound_and_never_the_reader() -> None:
    frames = int(MAX_BACKLOG_S * 50) + 10
    port = Wire([("listen", 0), *[("audio", 160)] * frames])
    leg = port.leg = Leg(port, asyncio.get_running_loop().time)
    await leg.read()
    assert leg.queue is not None
    assert leg.ledger.dropped == {"backlog": 1600}
    first = await leg.queue.get()
    assert first is not None
    assert first.position == 1600
