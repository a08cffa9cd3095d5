import asyncio

from media_server.transports.outbox import MAX_WAITING, MAX_WAITING_CHARACTERS, Outbox


async def test_texts_come_out_in_their_order_and_then_the_end() -> None:
    outbox = Outbox()
    getting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert all(outbox.put(text) for text in "abc")
    outbox.end()
    assert [await getting, *[await outbox.get() for _ in range(3)]] == ["a", "b", "c", None]


async def test_so_many_wait_and_no_more() -> None:
    outbox = Outbox()
    assert all(outbox.put("x") for _ in range(MAX_WAITING))
    assert not outbox.put("x")
    await outbox.get()
    assert outbox.put("x")


async def test_so_long_ones_wait_and_no_longer() -> None:
    outbox = Outbox()
    assert outbox.put("x" * MAX_WAITING_CHARACTERS)
    assert not outbox.put("x")
    await outbox.get()
    assert outbox.put("x")


async def test_one_that_nobody_reads_any_more_is_at_its_end() -> None:
    outbox = Outbox()
    outbox.put("x")
    outbox.close()
    assert await outbox.get() is None
