import asyncio
import random

from media_server.phone.caller_script import CallerScript
from media_server.phone.webrtc_phone import WebrtcPhone, Wire
from tests.peers.udp_relay import Impairment, Way, relay
from tests.peers.whip_server import Callee, whip_server
from tests.phone.tones import quiet, tone


def test_what_becomes_of_a_datagram_depends_on_the_seed_alone() -> None:
    bad = Impairment(loss=0.05, delay_s=0.01, jitter_s=0.04, duplicate=0.02)
    ways = [Way(bad, random.Random(seed)) for seed in (1, 1, 2)]
    one, same, other = ([way.dues(number / 50) for number in range(2000)] for way in ways)
    assert one == same != other
    assert 70 <= ways[0].lost <= 130
    assert 20 <= ways[0].doubled <= 60
    assert all(0.01 <= due - number / 50 <= 0.055 for number, dues in enumerate(one) for due in dues)
    assert sum(a > b for (a, *_), (b, *_) in zip(filter(None, one), filter(None, one[1:]), strict=False)) > 0


def test_in_order_nothing_overtakes() -> None:
    way = Way(Impairment(jitter_s=0.04, in_order=True), random.Random(1))
    dues = [way.dues(number / 50)[0] for number in range(500)]
    assert dues == sorted(dues)


async def test_two_peers_find_each_other_through_it_and_nowhere_else() -> None:
    async with whip_server(Callee()) as server, relay(Impairment(delay_s=0.05)) as between:
        wire = Wire(offered=between.offered, answered=between.answered)
        phone = WebrtcPhone(server.http, base_url=server.url, wire=wire)
        call = await phone.call(CallerScript([quiet(0.1) + tone(0.2)], quiet_s=0.3))
    assert call.hung_up_by == "caller"
    assert len(call.measured().answered) == 1
    assert call.measured().answered[0] >= 300 + 2 * 50
    assert between.down.passed >= len(call.arrivals)


async def test_a_bad_network_loses_sound_and_no_call() -> None:
    bad = Impairment(loss=0.05, jitter_s=0.04)
    async with whip_server(Callee(greeting=tone(1.0))) as server, relay(bad, seed=7) as between:
        wire = Wire(offered=between.offered, answered=between.answered)
        call = await WebrtcPhone(server.http, base_url=server.url, wire=wire).call(CallerScript([tone(0.3)]))
    assert call.hung_up_by == "caller"
    assert len(call.measured().answered) == 1
    assert between.down.lost > 0
    assert call.lost <= between.down.lost
    assert call.stalls_ms == []


async def test_where_the_network_is_cut_nothing_passes() -> None:
    async with whip_server(Callee()) as server, relay(Impairment()) as between:
        wire = Wire(offered=between.offered, answered=between.answered)
        phone = WebrtcPhone(server.http, base_url=server.url, wire=wire)
        calling = asyncio.create_task(phone.call(CallerScript([], greeting_timeout_s=60), max_s=1.5))
        await asyncio.sleep(0.7)
        between.cut()
        call = await calling
    assert max(call.arrivals) < 1.2
