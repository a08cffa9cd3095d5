"""Data channels (RFC 8831) by aiortc, with bounds.

aiortc takes a peer's SCTP at its word: a few bytes of it would have us count to millions (the gaps of a SACK), or keep
without end what costs the peer nothing (fragments of no bytes, streams by the thousand). So what is no part of a few
short messages is refused before it is gone through. A channel that does not keep to that, or sends what SCTP's parser
stumbles over, is shut; the call goes on.

Private parts of `RTCSctpTransport` that this leans on: what takes packets and chunks in, its window, channels, queues
and inbound streams. The version is pinned, and `tests/transports/test_webrtc.py` fails where they are not as they were.
"""

import asyncio
from struct import error as StructError  # noqa: N812 - it is named like a variable
from typing import Final

import structlog
from aiortc.rtcsctptransport import DataChunk, ForwardTsnChunk, RTCSctpCapabilities, RTCSctpTransport, SackChunk
from aiortc.utils import uint32_gt
from typing_extensions import override

from media_server.protocol.webrtc_sdp import SCTP_PORT, Offer
from media_server.transports.webrtc_secure import SecureTransport

MAX_CHANNELS: Final = 4
MAX_STREAMS: Final = 16
MAX_FRAGMENTS: Final = 256
"""Of unfinished messages; with `MAX_REASSEMBLY`, for they may be empty."""
MAX_REASSEMBLY: Final = 128 * 1024
"""Bytes of unfinished messages that are kept."""
FLUSH_STEP_S: Final = 0.02
_TSNS: Final = 1 << 32

_log = structlog.get_logger(__name__)


class DataTransport(RTCSctpTransport):
    """SCTP with bounds."""

    def __init__(self, transport: SecureTransport) -> None:
        super().__init__(transport, SCTP_PORT)
        self._shut = False
        self._room = self._advertised_rwnd

    async def begin(self, offer: Offer) -> None:
        """Set up the association."""
        capabilities = offer.data.first("max-message-size") if offer.data is not None else None
        size = int(capabilities[:9]) if capabilities and capabilities.isascii() and capabilities.isdigit() else 65_536
        await self.start(RTCSctpCapabilities(maxMessageSize=size), offer.sctp_port)

    async def flushed(self) -> None:
        """Until the peer has what was sent."""
        while (self._outbound_queue or self._sent_queue or self._data_channel_queue) and not self._shut:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(FLUSH_STEP_S)

    @override
    async def _handle_data(self, data: bytes) -> None:
        if self._shut:
            return
        try:
            await super()._handle_data(data)
        except (AssertionError, ValueError, KeyError, IndexError, AttributeError, StructError) as error:
            await self._shut_down(type(error).__name__)  # and no more: some name what was sent
        if self._room - self._advertised_rwnd > MAX_REASSEMBLY or len(self._data_channels) > MAX_CHANNELS:
            await self._shut_down("more than is taken")

    @override
    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        await super()._receive_data_chunk(chunk)
        waiting = sum(len(stream.reassembly) for stream in self._inbound_streams.values())
        if max(waiting, len(self._sack_misordered)) > MAX_FRAGMENTS or len(self._inbound_streams) > MAX_STREAMS:
            raise ValueError("more unfinished messages than are taken")

    @override
    async def _receive_forward_tsn_chunk(self, chunk: ForwardTsnChunk) -> None:
        if len(chunk.streams) > MAX_STREAMS:
            raise ValueError("more streams than are taken")
        await super()._receive_forward_tsn_chunk(chunk)

    @override
    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        """Of what was never sent nothing can have come: gaps stand in their order, up to the last packet of ours."""
        sent = (self._local_tsn - 1 - chunk.cumulative_tsn) % _TSNS
        if uint32_gt(self._last_sacked_tsn, chunk.cumulative_tsn):
            return  # an older one, overtaken
        end = 0
        for first, last in chunk.gaps:
            if sent >= _TSNS // 2 or not end < first <= last <= sent:
                raise ValueError("a gap in what was never sent")
            end = last
        await super()._receive_sack_chunk(chunk)

    async def _shut_down(self, reason: str) -> None:
        _log.warning("webrtc.data_channel_shut", reason=reason)
        self._shut = True
        await self._abort()
        self._set_state(self.State.CLOSED)
