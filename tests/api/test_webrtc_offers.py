"""Hostile offers and trickles against `/v1/webrtc`: 4xx, and nothing left of them."""

import asyncio
import random
import socket
from collections import Counter

import pytest

from media_server.transports.webrtc import PeerLimits
from tests.soak.sdp_offers import open_files, settled, shoot, spoilt, whole_offers
from tests.webrtc_rig import (
    SOON_S,
    PeerGate,
    Server,
    connected,
    serve,
    speaking,
    still_heard,
    until,
)


async def test_offers_that_never_connect_are_refused_beyond_the_cap_and_all_sockets_come_back() -> None:
    gate = PeerGate()
    before = open_files()
    (offer, _) = await whole_offers()
    async with serve(gate, limits=PeerLimits(setup_s=1.0)) as server:

        async def post(number: int) -> int:
            # This machine's proxy says for whom it asks.
            headers = {"Content-Type": "application/sdp", "X-Forwarded-For": f"192.0.2.{number % 10}"}
            async with server.http.post(f"{server.url}/v1/webrtc", data=offer, headers=headers) as response:
                await response.read()
                return response.status

        statuses = Counter([await post(0) for _ in range(20)])
        assert set(statuses) == {201, 429}
        assert statuses[201] <= 8, "of one address"
        statuses = Counter(await asyncio.gather(*(post(number) for number in range(200))))
        assert set(statuses) == {201, 429}
        assert server.sessions <= 32, "of all"
        async with asyncio.timeout(SOON_S):
            while server.sessions:  # noqa: ASYNC110 - of another side
                await asyncio.sleep(0.05)
        assert set(gate.given_up) == {"not_connected"}
        assert await post(0) == 201
    assert await settled(before, SOON_S) <= before


async def test_spoilt_offers_are_refused_or_taken_and_nothing_is_left_of_them() -> None:
    chance = random.Random(20_000)
    before = open_files()
    whole = await whole_offers()
    async with serve(PeerGate()) as server:
        statuses = await shoot(server, [spoilt(whole, chance) for _ in range(300)])
        assert set(statuses) <= {201, 400, 413, 415, 429}
        assert statuses[400] > 100
        assert server.sessions == 0
    assert await settled(before, SOON_S) <= before


async def _refusal(server: Server, offer: str) -> int:
    headers = {"Content-Type": "application/sdp"}
    async with server.http.post(f"{server.url}/v1/webrtc", data=offer, headers=headers) as response:
        problem = await response.json()
    assert server.sessions == 0
    assert problem["status"] == response.status, "a problem document"
    return response.status


def _media(offer: str, kind: str) -> str:
    """Only this medium of an offer."""
    head, *media = offer.split("m=")
    return head + "".join("m=" + each for each in media if each.startswith(kind))


async def test_an_offer_without_sound_of_ours_is_no_call() -> None:
    _, whole = await whole_offers()
    audio, data = _media(whole, "audio"), _media(whole, "application")
    head = whole[: whole.index("m=")]
    async with serve(PeerGate()) as server:
        for offer in (
            data,
            audio.replace("m=audio", "m=video"),
            audio.replace("a=sendrecv", "a=inactive"),
            audio.replace("opus/48000/2", "speex/48000").replace("PCMU", "x").replace("PCMA", "y"),
            audio.replace("m=audio 9", "m=audio 0"),
        ):
            assert await _refusal(server, offer) == 415
        for offer in (
            head,
            "",
            audio.replace("a=fingerprint", "a=no"),
            audio.replace("a=ice-pwd", "a=no"),
            audio.replace("a=setup:actpass", "a=setup:holdconn"),
            audio.replace("sha-256 7B", "md5 7B"),
        ):
            assert await _refusal(server, offer) in {400, 415}


async def test_an_offer_beyond_any_measure_is_refused_at_once() -> None:
    _, whole = await whole_offers()
    clock = asyncio.get_running_loop().time
    section = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n"
    async with serve(PeerGate()) as server:
        for offer in (
            whole + "a=x:" + "y" * 1_000_000 + "\r\n",
            whole + section * 10_000,
            whole + section * 100,
            whole + "a=x\r\n" * 100_000,
        ):
            begun = clock()
            assert await _refusal(server, offer) in {400, 413}
            assert clock() - begun < 2.0


async def test_of_ten_thousand_candidates_few_are_tried_and_no_name_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    (ours, _) = await whole_offers()
    more = [f"a=candidate:{number} 1 udp 2130706431 127.0.3.{number} 9 typ host" for number in range(1, 200)]
    more += [f"a=candidate:n{number} 1 udp 2130706431 n{number}.local 9 typ host" for number in range(50)]
    more += ["a=candidate:i 1 udp 2130706431 internal.example.invalid 9 typ host"]
    more += [f"a=candidate:m 1 udp 2130706431 {address} 9 typ host" for address in ("224.0.0.1", "0.0.0.0", "::")]
    offer = ours.replace("a=end-of-candidates\r\n", "\r\n".join(more) + "\r\na=end-of-candidates\r\n", 1)
    async with serve(PeerGate(), limits=PeerLimits(setup_s=0.5)) as server:
        answer = await server.whip.offer(offer)
        session = server.calls._sessions[answer.session]
        assert 1 <= len(session.port._ice.remote_candidates) <= 20
        assert all(each.host.startswith("127.0.") for each in session.port._ice.remote_candidates)
        assert await server.whip.end(answer) == 200
    assert [host for host in asked if host.endswith((".local", ".invalid"))] == []


async def test_an_offer_of_one_call_is_no_way_into_another() -> None:
    """Ids are not guessed; a session is not renegotiated; a trickle for another offer is a conflict; floods end."""
    gate = PeerGate()
    good = "a=candidate:1 1 udp 1 127.0.0.9 9 typ host\r\n"
    fragment = "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n" + good
    headers = {"Content-Type": "application/trickle-ice-sdpfrag"}
    async with serve(gate) as server, connected(server) as (line, answer), speaking(line):
        url = f"{server.url}/v1/webrtc"

        async def ask(method: str, path: str, data: str = "", **more: str) -> int:
            async with server.http.request(method, url + path, data=data, headers={**headers, **more}) as response:
                await response.read()
                return response.status

        for stranger_id in ("x", answer.session[:-1], answer.session + "x", "a" * 500, "%00", "..%2f"):
            assert await ask("PATCH", "/" + stranger_id, fragment.format("abcd", "x" * 22)) == 404
            assert await ask("DELETE", "/" + stranger_id) == 404
        session = "/" + answer.session
        assert await ask("PATCH", session, fragment.format("other", "x" * 22)) == 409
        assert await ask("PATCH", session, "nonsense") == 400
        assert await ask("PATCH", session, "a=" + "x" * 1_000_000) == 413
        assert await ask("PATCH", session, line.connection.localDescription.sdp) == 400
        assert await ask("POST", session, line.connection.localDescription.sdp) == 405
        assert await ask("PATCH", session, "v=0", **{"Content-Type": "application/sdp"}) == 415
        statuses = [await ask("PATCH", session, good) for _ in range(100)]
        assert set(statuses) == {204, 429}
        await still_heard(gate, line)
        assert await ask("DELETE", session) == 200
        await until(lambda: server.sessions == 0)
        assert await ask("DELETE", session) == 404
