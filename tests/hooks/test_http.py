import asyncio
import socket
from collections.abc import Sequence

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from media_server.errors import BadAnswer, HookError, HookForbidden, HookTimeout, HookUnreachable
from media_server.hooks.call_http import CallHttp
from media_server.hooks.guard import Guard
from media_server.hooks.http import HookHttp, HttpAnswer, HttpRequest
from tests.hooks.receivers import BAD_WAYS, JSON, answer, bad_receiver, closed_port, good_receiver


def guard_for(url: str) -> Guard:
    return Guard([f"127.0.0.1:{URL(url).port}"])


async def get(http: HookHttp, url: str, *, deadline_s: float = 0.4, max_bytes: int = 65536) -> HttpAnswer:
    return await http.fetch(HttpRequest("GET", URL(url), deadline_s, max_bytes))


class Names(AbstractResolver):
    """Gives one list of addresses after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        found = self.answers.pop(0)
        if not found:
            raise OSError(None, "no such name")
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in found
        ]

    @override
    async def close(self) -> None:
        pass


async def test_a_name_that_is_at_an_inner_address_is_not_asked() -> None:
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "fe80::1%eth0", "::ffff:127.0.0.1"):
        names = Names([address])
        with pytest.raises(HookForbidden) as refusal:
            await get(HookHttp(Guard(), names), "http://rebound.example/")
        assert refusal.value.reason == "address"
        assert names.asked == ["rebound.example"]


async def test_a_name_is_judged_anew_at_each_connection_and_the_connection_goes_where_it_was_judged() -> None:
    async with good_receiver(lambda _: None) as receiver:
        port = URL(receiver.url).port
        names = Names(["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"])
        http = HookHttp(Guard([f"127.0.0.1:{port}"]), names)
        url = f"http://rebound.example:{port}/"
        with pytest.raises(HookForbidden):  # the port is opened for an address, and it is that address
            await get(HookHttp(Guard([f"other.example:{port}"]), Names(["127.0.0.1"])), url)
        assert (await get(http, url)).status == 500  # it has no signature, but it was reached
        with pytest.raises(HookForbidden):
            await get(http, url)
        assert (await get(http, url)).status == 500  # only where it may go
        assert len(names.asked) == 3


async def test_a_name_that_is_not_there_is_told_as_such() -> None:
    with pytest.raises(HookUnreachable) as failure:
        await get(HookHttp(Guard(), Names([])), "http://nowhere.example/")
    assert failure.value.reason == "dns"


async def test_a_name_server_that_hangs_costs_the_deadline_only() -> None:
    class Hanging(Names):
        @override
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            await asyncio.sleep(60)
            return []

    with pytest.raises(HookTimeout):
        await get(HookHttp(Guard(), Hanging()), "http://slow.example/", deadline_s=0.05)


async def test_the_systems_resolver_finds_this_machine() -> None:
    async with bad_receiver(answer(b"here", "Content-Type: text/plain")) as url:
        port = URL(url).port
        async with HookHttp(Guard([f"localhost:{port}"])) as http:
            assert await CallHttp(http).get_text(f"http://localhost:{port}/", name="a&b") == "here"


@pytest.mark.parametrize("way", BAD_WAYS)
async def test_what_comes_is_bounded_and_every_fault_is_typed(way: str) -> None:
    behaves, reason = BAD_WAYS[way]
    if reason in ("content_type", "json", "shape", "verb", "twiml", "redirect", "client_error", "server_error"):
        reason = ""  # as far as HTTP goes nothing is wrong
    loop = asyncio.get_running_loop()
    async with bad_receiver(behaves) as url, HookHttp(guard_for(url)) as http:
        began = loop.time()
        try:
            await get(http, url, deadline_s=0.4 if reason == "timeout" else 3.0)
            said = ""
        except HookError as error:
            said = error.reason
        assert said == reason
        assert loop.time() - began < 3.0


async def test_nobody_listens_there() -> None:
    url = f"http://127.0.0.1:{closed_port()}/"
    with pytest.raises(HookUnreachable) as failure:
        await get(HookHttp(guard_for(url)), url)
    assert failure.value.reason == "refused"


async def test_packed_answers_are_unpacked() -> None:
    import gzip  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    for encoding, packed in {"gzip": gzip.compress(b'{"a": 1}'), "deflate": zlib.compress(b'{"a": 1}')}.items():
        async with bad_receiver(answer(packed, JSON, f"Content-Encoding: {encoding}")) as url:
            assert await CallHttp(HookHttp(guard_for(url))).get_json(url) == {"a": 1}


async def test_an_author_gets_texts_and_json_or_a_typed_error() -> None:
    ways = {
        "status": answer(b"no", status="503 Unavailable"),
        "json": answer(b'{"a": NaN}', JSON),
        "charset": answer(b"text", "Content-Type: text/plain; charset=zip"),
        "too_large": answer(b"a" * 1_100_000, "Content-Type: text/plain"),
    }
    for reason, way in ways.items():
        async with bad_receiver(way) as url:
            http = CallHttp(HookHttp(guard_for(url)))
            with pytest.raises(BadAnswer) as failure:
                await (http.get_json(url) if reason == "json" else http.get_text(url))
            assert failure.value.reason == reason
    async with bad_receiver(answer(b"", status="204 No Content")) as url:
        assert await CallHttp(HookHttp(guard_for(url))).post_json(url, {"order": 7}) is None


async def test_what_nobody_waits_for_is_bounded_and_ends_with_the_client() -> None:
    async with HookHttp() as http:
        taken = [http.later(asyncio.sleep(60)) for _ in range(300)]
        await asyncio.sleep(0)
    assert taken.count(True) == 256
