"""What every `MediaPort` promises, whatever the wire."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import numpy as np
import pytest

from media_server.transports.port import (
    AudioArrived,
    AudioDropped,
    DigitArrived,
    MarkReturned,
    MediaPort,
    PortEvent,
    TextArrived,
)
from tests.contract.browser_wires import browser_socket, webrtc
from tests.contract.telephone_wires import loopback, twilio
from tests.contract.wire import FarEnd, Wire

SOON_S = 3.0
REASONS = {"caller_hangup", "media_timeout", "connection_lost", "protocol_error", "closed"}

WIRES = {
    "loopback": Wire(loopback, exact=True, texts=True, queues=True, vanished=("connection_lost",)),
    "twilio": Wire(twilio, exact=True, texts=False, queues=True),
    "browser_socket": Wire(browser_socket, exact=True, texts=True, queues=True),
    "webrtc_opus": Wire(webrtc("opus"), exact=False, texts=True, queues=False),
    "webrtc_pcmu": Wire(webrtc("pcmu"), exact=False, texts=True, queues=False),
}

every_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=list(WIRES))


class Reading:
    """A port whose events are read, and its far end."""

    def __init__(self, port: MediaPort, far_end: FarEnd) -> None:
        self.port = port
        self.far_end = far_end
        self.events: list[PortEvent] = []
        self._news = asyncio.Condition()
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self.port.events():
            self.events.append(event)
            async with self._news:
                self._news.notify_all()

    async def until(self, *events: PortEvent) -> None:
        """Wait until these have come."""
        async with asyncio.timeout(SOON_S), self._news:
            await self._news.wait_for(lambda: all(each in self.events for each in events))

    async def until_heard(self, seconds: float) -> None:
        """Wait until so much voiced sound has come."""
        async with asyncio.timeout(SOON_S), self._news:
            await self._news.wait_for(lambda: voiced_s(self.sound, self.port.sample_rate) >= seconds)

    async def until_played(self, seconds: float) -> None:
        """Wait until the far end has got so much voiced sound."""
        async with asyncio.timeout(SOON_S):
            while voiced_s(self.far_end.played(), self.port.sample_rate) < seconds:  # noqa: ASYNC110 - of another peer
                await asyncio.sleep(0.02)

    async def ended(self) -> str:
        async with asyncio.timeout(SOON_S):
            await self.reader
        return self.port.ended_reason

    @property
    def frames(self) -> list[AudioArrived]:
        return [event for event in self.events if isinstance(event, AudioArrived)]

    @property
    def sound(self) -> bytes:
        return b"".join(event.frame.pcm for event in self.frames)


@asynccontextmanager
async def reading(wire: Wire) -> AsyncIterator[Reading]:
    before = asyncio.all_tasks()
    async with wire.open() as (port, far_end):
        read = Reading(port, far_end)
        try:
            yield read
        finally:
            await port.aclose()
            read.reader.cancel()
            await asyncio.wait({read.reader})
    for _ in range(10):  # what was cancelled or closed goes in a few turns of the loop
        await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before, "nothing outlives its call"


def tone(seconds: float, sample_rate: int, hertz: float = 440.0) -> bytes:
    at = np.arange(round(seconds * sample_rate)) / sample_rate
    return (8000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes()


def windows(pcm: bytes, sample_rate: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    samples, width = np.frombuffer(pcm, dtype="<i2").astype(np.float64), sample_rate // 100
    return samples[: len(samples) // width * width].reshape(-1, width)


def voiced_s(pcm: bytes, sample_rate: int) -> float:
    return float(((windows(pcm, sample_rate) ** 2).mean(axis=1) > 1000**2).sum()) / 100


def pitches(pcm: bytes, sample_rate: int) -> list[float]:
    """Of the voiced windows of 10 ms, in order: about how many hertz."""
    found = windows(pcm, sample_rate)
    found = found[(found**2).mean(axis=1) > 1000**2]
    crossings = (np.diff(np.signbit(found), axis=1) != 0).sum(axis=1)
    return [float(each) * 50 for each in crossings]


def low_then_high(pcm: bytes, sample_rate: int) -> bool:
    """Whether 400 Hz came first, then 1,600, and nothing of the first came again."""
    found = [pitch > 1000 for pitch in pitches(pcm, sample_rate)]
    # Of five windows what most are: where a packet was late, or one tone meets the other, there may be some of both.
    mostly = [sum(found[at : at + 5]) > 2 for at in range(len(found) - 4)]
    return mostly[:1] == [False] and mostly[-1] and sum(a != b for a, b in pairwise(mostly)) == 1


@every_wire
async def test_positions_are_contiguous_from_0_at_the_ports_rate(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.hear(tone(0.4, call.port.sample_rate))
        await call.until_heard(0.3)
    position = 0
    for event in call.frames:
        assert event.frame.sample_rate == call.port.sample_rate
        assert event.frame.position == position
        assert len(event.frame.pcm) % 2 == 0
        assert event.frame.samples > 0
        position += event.frame.samples


@every_wire
async def test_the_books_of_what_was_sent_and_what_came_balance(wire: Wire) -> None:
    async with reading(wire) as call:
        rate = call.port.sample_rate
        await call.far_end.hear(tone(0.4, rate))
        await call.until_heard(0.40 if wire.exact else 0.36)
        books: Counter[str] = Counter()
        for event in call.events:
            if isinstance(event, AudioArrived):
                books["filled" if event.filled else "received"] += event.frame.samples
            elif isinstance(event, AudioDropped):
                assert event.reason
                books["dropped"] += event.samples
    assert books["received"] + books["filled"] == sum(event.frame.samples for event in call.frames)
    if wire.exact:
        assert (books["received"], books["filled"], books["dropped"]) == (0.4 * rate, 0, 0)


@every_wire
async def test_what_is_said_arrives_in_its_order(wire: Wire) -> None:
    async with reading(wire) as call:
        rate = call.port.sample_rate
        await call.far_end.hear(tone(0.2, rate, 400) + tone(0.2, rate, 1600))
        await call.until_heard(0.34)
    assert low_then_high(call.sound, rate)


@every_wire
async def test_what_is_sent_is_played_in_its_order_in_any_pieces(wire: Wire) -> None:
    async with reading(wire) as call:
        rate = call.port.sample_rate
        pcm = tone(0.2, rate, 400) + tone(0.2, rate, 1600) + bytes(rate // 5)  # the rest is for a last packet
        clock = asyncio.get_running_loop().time
        begun, at, size = clock(), 0, 2
        while at < len(pcm):
            await asyncio.sleep(max(0.0, begun + at / 2 / rate - clock()))
            await call.port.send(pcm[at : at + size])
            at, size = at + size, size % 700 + 74  # never the same, always whole samples
        await call.port.send(b"")
        await call.until_played(0.34)
    assert low_then_high(call.far_end.played(), rate)


@every_wire
async def test_keys_arrive_in_their_order(wire: Wire) -> None:
    async with reading(wire) as call:
        for digit in "15*#":
            await call.far_end.press(digit)
        await call.until(DigitArrived("#"))
    assert [event.digit for event in call.events if isinstance(event, DigitArrived)] == list("15*#")


@pytest.mark.parametrize("wire", [wire for wire in WIRES.values() if wire.texts], ids=lambda wire: wire.open.__name__)
async def test_what_is_typed_arrives_in_its_order_with_keys(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.text("für vier, bitte")
        await call.far_end.press("1")
        await call.far_end.text("and thanks")
        await call.until(TextArrived("and thanks"))
    told = [event for event in call.events if isinstance(event, TextArrived | DigitArrived)]
    assert told == [TextArrived("für vier, bitte"), DigitArrived("1"), TextArrived("and thanks")]


@every_wire
async def test_a_mark_comes_back_when_what_was_before_it_was_played_or_never(wire: Wire) -> None:
    async with reading(wire) as call:
        clock = asyncio.get_running_loop().time
        begun = clock()
        await call.port.send(tone(0.2, call.port.sample_rate))
        await call.port.send_mark("one")
        await call.port.send_mark("two")
        if call.port.marks:
            await call.until(MarkReturned("one"), MarkReturned("two"))
            assert clock() - begun >= 0.18
        else:
            await call.far_end.hear(tone(0.3, call.port.sample_rate))
    names = [event.name for event in call.events if isinstance(event, MarkReturned)]
    assert names == (["one", "two"] if call.port.marks else [])


@every_wire
async def test_a_clear_throws_away_what_was_not_played(wire: Wire) -> None:
    async with reading(wire) as call:
        rate = call.port.sample_rate
        if wire.queues:
            for _ in range(20):
                await call.port.send(tone(0.1, rate))
            await call.port.send_mark("never heard")
        else:
            await call.port.send(tone(0.1, rate))
        await asyncio.sleep(0.1)
        await call.port.clear()
        if call.port.marks:
            await call.until(MarkReturned("never heard"))
        await call.port.send(tone(0.1, rate, 1600) + bytes(rate // 10))
        async with asyncio.timeout(SOON_S):
            while not low_then_high(call.far_end.played(), rate):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
    assert voiced_s(call.far_end.played(), rate) < 1.0
    assert low_then_high(call.far_end.played(), rate)


@every_wire
async def test_a_far_end_that_hangs_up_ends_the_events_with_its_reason(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.hear(tone(0.1, call.port.sample_rate))
        await call.far_end.hang_up()
        assert await call.ended() == wire.goodbye


@every_wire
async def test_a_far_end_that_vanishes_ends_the_events(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.hear(tone(0.1, call.port.sample_rate))
        await call.far_end.vanish()
        reason = await call.ended()
    assert reason in wire.vanished
    assert reason in REASONS


@every_wire
async def test_after_the_end_what_is_sent_goes_nowhere(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.hear(tone(0.1, call.port.sample_rate))
        await call.far_end.vanish()
        await call.ended()
        for _ in range(3):
            await call.port.send(tone(0.1, call.port.sample_rate))
            await call.port.send_mark("nothing")
            await call.port.clear()


@every_wire
async def test_closing_ends_the_reading_and_tells_the_far_end_and_may_be_done_twice(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.hear(tone(0.1, call.port.sample_rate))
        await asyncio.gather(call.port.aclose(), call.port.aclose())
        assert await call.ended() == "closed"
        await call.port.aclose()
        await call.port.send(tone(0.1, call.port.sample_rate))
        async with asyncio.timeout(SOON_S):
            await call.far_end.closed()


@every_wire
async def test_a_reader_that_is_cancelled_leaves_the_port_to_be_closed(wire: Wire) -> None:
    async with reading(wire) as call:
        await call.far_end.hear(tone(0.1, call.port.sample_rate))
        call.reader.cancel()
        await asyncio.wait({call.reader})
        assert call.reader.cancelled()
        await call.port.send(tone(0.1, call.port.sample_rate))
        await call.port.aclose()


@every_wire
async def test_a_port_that_nobody_read_can_be_closed(wire: Wire) -> None:
    async with wire.open() as (port, _far_end):
        await port.send(tone(0.1, port.sample_rate))
        await port.aclose()
