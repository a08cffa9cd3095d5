"""One leg's RTP both ways: packets to port events, PCM to packets, and the reports about them. Sans-IO.

What arrives goes through the receive buffer and the codec into its place on the leg's time line. What is sent has one
sequence and one clock: timestamps go on with the monotonic clock where nothing was said, and the first packet of new
speech has the marker bit (RFC 3551, section 4.1).
"""

import secrets
from collections import Counter
from collections.abc import Callable

from media_server.audio.codec import Codec
from media_server.audio.frame import PTIME_MS, AudioFrame, frame_samples, silence
from media_server.errors import ProtocolViolation, Undecodable
from media_server.protocol.message_rate import MessageRate
from media_server.protocol.receive_buffer import Lost, NewStream, Piece, ReceiveBuffer, Silent, Sound, Unused
from media_server.protocol.rtcp import Heard, Reception, Sent, ntp_of, parse_rtcp, serialize_report
from media_server.protocol.rtp import MAX_TIMESTAMP, RtpPacket, parse_rtp
from media_server.protocol.telephone_event import TelephoneEvents
from media_server.transports.port import AudioArrived, AudioDropped, DigitArrived, PortEvent

FILL_S = 0.1
"""Silence is filled in pieces of at most so much."""
KEYS_PER_S = 10
KEYS_AT_ONCE = 50
"""A telephone plays at most that many; each may be a turn of the call."""
_PTIME_S = PTIME_MS / 1000


class RtpSession:
    """Our side of one stream each way.

    Attributes:
        ssrc: Ours.
        irregular: What was ignored, by reason.
        alive_at: When the last packet came that was one (monotonic seconds).
        left_at: When the other side said goodbye; None where it did not, or sound came since.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        payload_type: int,
        keys: int | None,
        cname: str,
        now: float,
        wall: Callable[[], float],
    ) -> None:
        """`keys`: the payload type of telephone-event; `wall`: seconds since 1970, for reports."""
        self.ssrc = secrets.randbits(32)
        self.irregular: Counter[str] = Counter()
        self.alive_at = now
        self.left_at: float | None = None
        self._codec = codec
        self._payload_type = payload_type
        self._keys_type = keys
        self._keys = TelephoneEvents()
        self._keys_rate = MessageRate(per_s=KEYS_PER_S, burst=KEYS_AT_ONCE)
        self._cname = cname
        self._wall = wall
        self._buffer = ReceiveBuffer(codec.clock_rate, codec.ticks, codec.announces_silence)
        self._reception: Reception | None = None
        self._position = 0
        self._carry = 0
        self._sequence = secrets.randbits(15)
        self._timestamp_base = secrets.randbits(32)
        self._begun_at = now
        self._next_tick = 0
        self._speaking = False
        self._packets = self._octets = 0
        self._ticks_a_packet = frame_samples(codec.clock_rate)

    # --- what comes ----------------------------------------------------------------------------------------------

    def receive_rtp(self, data: bytes, now: float) -> list[PortEvent]:
        """A packet came, decrypted."""
        try:
            packet = parse_rtp(data)
        except ProtocolViolation:
            self.irregular["bad_rtp"] += 1
            return []
        self.alive_at = now
        if packet.payload_type == self._keys_type:
            return self._key(packet, now)
        if packet.payload_type != self._payload_type or not self._codec.ticks(packet.payload):
            self.irregular["bad_payload"] += 1
            return [AudioDropped(0, "bad_payload")]
        self.left_at = None
        if self._reception is None or self._reception.ssrc != packet.ssrc:
            self._reception = Reception(packet.ssrc, self._codec.clock_rate)
        self._reception.receive(packet.sequence, packet.timestamp, now)
        return self._events(self._buffer.receive(packet, now))

    def _key(self, packet: RtpPacket, now: float) -> list[PortEvent]:
        if self._reception is not None and self._reception.ssrc == packet.ssrc:
            self._reception.count(packet.sequence)
        digit = self._keys.receive(packet.timestamp, packet.payload)
        if digit is None:
            return []
        if not self._keys_rate.allows(now):
            self.irregular["too_many_keys"] += 1
            return []
        return [DigitArrived(digit)]

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """A report came, decrypted."""
        try:
            heard = parse_rtcp(data)
        except ProtocolViolation:
            self.irregular["bad_rtcp"] += 1
            return
        self.alive_at = now
        for each in heard:
            self._take(each, now)

    def next_deadline(self) -> float | None:
        """When `on_deadline` wants to be called."""
        return self._buffer.next_deadline()

    def on_deadline(self, now: float) -> list[PortEvent]:
        """Time has passed."""
        return self._events(self._buffer.on_deadline(now))

    def _take(self, heard: Heard, now: float) -> None:
        if self._reception is None or heard.ssrc != self._reception.ssrc:
            return
        if heard.goodbye:
            self.left_at = now
        if heard.report_ntp_middle is not None:
            self._reception.reported(heard.report_ntp_middle, now)

    def _events(self, pieces: list[Piece]) -> list[PortEvent]:
        events: list[PortEvent] = []
        for piece in pieces:
            match piece:
                case Sound():
                    events += self._sound(piece.packet)
                case Lost():
                    samples = self._samples(piece.ticks)
                    following = piece.following.payload if piece.following is not None else None
                    events.append(self._arrived(self._codec.conceal(samples, following), filled=True))
                case Silent():
                    events += self._silence(self._samples(piece.ticks))
                case Unused():
                    self.irregular[piece.reason] += 1
                    if piece.reason != "duplicate":
                        samples = self._codec.ticks(piece.packet.payload) * self._rate // self._codec.clock_rate
                        events.append(AudioDropped(samples, piece.reason))
                case NewStream():
                    self._codec.restart()
        return events

    def _sound(self, packet: RtpPacket) -> list[PortEvent]:
        try:
            return [self._arrived(self._codec.decode(packet.payload))]
        except Undecodable:
            self.irregular["bad_payload"] += 1
            samples = self._codec.ticks(packet.payload) * self._rate // self._codec.clock_rate
            return [AudioDropped(samples, "bad_payload"), *self._silence(samples)]

    def _silence(self, samples: int) -> list[PortEvent]:
        step = int(FILL_S * self._rate)
        lengths = [min(step, samples - begin) for begin in range(0, samples, step)]
        return [self._arrived(silence(length), filled=True) for length in lengths]

    def _arrived(self, pcm: bytes, *, filled: bool = False) -> AudioArrived:
        frame = AudioFrame(pcm, self._rate, self._position)
        self._position = frame.end
        return AudioArrived(frame, filled)

    def _samples(self, ticks: int) -> int:
        """Ticks as samples; what is less than one is carried over."""
        samples, self._carry = divmod(self._carry + ticks * self._rate, self._codec.clock_rate)
        return samples

    @property
    def _rate(self) -> int:
        return self._codec.sample_rate

    # --- what goes -----------------------------------------------------------------------------------------------

    def speak(self, pcm: bytes, now: float) -> bytes:
        """The packet of 20 ms of sound."""
        return self._send(pcm, now, speaking=True)

    def be_silent(self, now: float) -> bytes:
        """The packet of 20 ms in which nothing is said: it keeps the other side's playout going, and its path open."""
        return self._send(silence(frame_samples(self._rate)), now, speaking=False)

    def _send(self, pcm: bytes, now: float, *, speaking: bool) -> bytes:
        begins, self._speaking = speaking and not self._speaking, speaking
        if begins or not speaking:
            behind = int((now - self._begun_at) / _PTIME_S) * self._ticks_a_packet - self._next_tick
            self._next_tick += max(0, behind)
        packet = RtpPacket(
            self._payload_type,
            self._sequence,
            (self._timestamp_base + self._next_tick) % MAX_TIMESTAMP,
            self.ssrc,
            self._codec.encode(pcm),
            marker=begins,
        )
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._next_tick += self._ticks_a_packet
        self._packets += 1
        self._octets += len(packet.payload)
        return packet.serialize()

    def report(self, now: float, *, goodbye: bool = False) -> bytes:
        """What we tell of both streams."""
        timestamp = self._timestamp_base + round((now - self._begun_at) * self._codec.clock_rate)
        sent = Sent(
            self.ssrc,
            ntp_of(self._wall()),
            timestamp % MAX_TIMESTAMP,
            self._packets % MAX_TIMESTAMP,
            self._octets % MAX_TIMESTAMP,
        )
        reception = self._reception.report(now) if self._reception is not None else None
        return serialize_report(sent, reception, self._cname, goodbye=goodbye)

    @property
    def lost(self) -> int:
        """Packets of the other side that did not come."""
        return self._reception.lost if self._reception is not None else 0
