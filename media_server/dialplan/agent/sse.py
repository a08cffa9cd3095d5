"""Server-sent events (WHATWG HTML, 9.2): bytes in any pieces to the data of each event. Pure.

A line ends with LF, CR LF or CR; a blank one ends an event. Comments, and fields other than `data`, mean nothing here.
"""

import re

from media_server.errors import ModelUnavailable

MAX_LINE = 1 << 20
"""Bytes of one line, and of the data of one event."""

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class SseDecoder:
    """The events of one stream."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._first = True

    def feed(self, data: bytes) -> list[str]:
        """More bytes; returns the data of the events that are complete now.

        Raises:
            ModelUnavailable: A line or an event is longer than anybody means.
        """
        if not data:
            return []
        if self._after_cr:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        *lines, rest = _LINE_END.split(data)
        self._after_cr = data.endswith(b"\r")
        events: list[str] = []
        for line in lines:
            whole = self._whole(line)
            self._line.clear()
            if whole:
                self._take(whole)
            elif self._data:
                events.append(self._event())
        self._whole(rest)
        return events

    def end(self) -> list[str]:
        """Nothing follows: what a missing blank line has left open counts as an event too."""
        self._take(bytes(self._line))
        self._line.clear()
        return [self._event()] if self._data else []

    def _whole(self, part: bytes) -> bytes:
        self._line += part
        if len(self._line) > MAX_LINE:
            raise ModelUnavailable("its stream has a line without an end")
        return bytes(self._line)

    def _take(self, line: bytes) -> None:
        if self._first:
            line = line.removeprefix(_BOM)
            self._first = False
        name, _, value = line.partition(b":")
        if name != b"data":
            return
        value = value.removeprefix(b" ")
        self._size += len(value)
        if self._size > MAX_LINE:
            raise ModelUnavailable("its stream has an event without an end")
        self._data.append(value)

    def _event(self) -> str:
        text = b"\n".join(self._data).decode("utf-8", "replace")
        self._data.clear()
        self._size = 0
        return text
