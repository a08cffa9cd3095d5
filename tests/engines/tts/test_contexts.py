import pytest

from engines.errors import InputError
from engines.tts.contexts import (
    MAX_CONTEXTS,
    MAX_WAITING_TEXT,
    Clause,
    ContextFlushed,
    ContextOver,
    ContextQueue,
    Step,
    Text,
)


def drain(queue: ContextQueue) -> list[Step]:
    steps: list[Step] = []
    while (step := queue.next()) is not None:
        steps.append(step)
    return steps


def test_contexts_are_spoken_in_the_order_of_their_first_text() -> None:
    queue = ContextQueue()
    queue.add("b", "Hello there, Bob", more=True)
    queue.add("a", "Second.", more=False)
    assert drain(queue) == [Clause("b", "Hello there,", 0, first=True)]
    queue.add("b", ".", more=False)
    assert drain(queue) == [
        Clause("b", " Bob.", 12, first=False),
        ContextOver("b"),
        Clause("a", "Second.", 0, first=True),
        ContextOver("a"),
    ]


def test_a_context_without_words_just_ends() -> None:
    queue = ContextQueue()
    queue.add("a", " ... 🙂 ", more=False)
    assert drain(queue) == [ContextOver("a")]


def test_offsets_count_what_is_not_spoken_too() -> None:
    queue = ContextQueue()
    queue.add("a", "One. ... Two.", more=False)
    assert [step.offset for step in drain(queue) if isinstance(step, Clause)] == [0, 4]


def test_a_cancelled_context_ends_in_its_turn_and_says_nothing() -> None:
    queue = ContextQueue()
    for context in "abc":
        queue.add(context, f"Text of {context}.", more=False)
    assert queue.next() == Clause("a", "Text of a.", 0, first=True)
    queue.cancel("b")
    queue.cancel("a")
    queue.cancel("nobody")
    assert queue.is_ending("a")
    assert drain(queue) == [
        ContextOver("a", cancelled=True, text=Text("Text of a.", 0)),
        ContextOver("b", cancelled=True, text=Text("Text of b.", 0)),
        Clause("c", "Text of c.", 0, first=True),
        ContextOver("c"),
    ]
    queue.add("a", "Again.", more=False)
    assert drain(queue) == [Clause("a", "Again.", 0, first=True), ContextOver("a")]


def test_text_for_a_context_that_is_ending_is_dropped() -> None:
    queue = ContextQueue()
    queue.add("a", "One.", more=True)
    queue.cancel("a")
    queue.add("a", " Two.", more=False)
    assert drain(queue) == [ContextOver("a", cancelled=True, text=Text("One.", 0))]


def test_too_much_text_fails_the_context_and_not_the_others() -> None:
    queue = ContextQueue()
    queue.add("a", "x" * MAX_WAITING_TEXT, more=True)
    queue.add("b", "y", more=False)
    queue.add("c", "", more=False)
    assert [step.failure is not None for step in drain(queue) if isinstance(step, ContextOver)] == []
    queue.cancel("a")
    over = [step for step in drain(queue) if isinstance(step, ContextOver)]
    assert [(step.context_id, step.cancelled, isinstance(step.failure, InputError)) for step in over] == [
        ("a", True, False),
        ("b", False, True),
        ("c", False, False),
    ]


def test_only_so_many_contexts_wait() -> None:
    queue = ContextQueue()
    for number in range(MAX_CONTEXTS):
        queue.add(str(number), "", more=True)
    with pytest.raises(InputError):
        queue.add("one more", "", more=True)


def test_a_flush_says_what_waits_and_leaves_the_context_open() -> None:
    queue = ContextQueue()
    queue.add("a", "Hello there", more=True)
    assert queue.next() is None
    queue.add("a", "", more=True, flush=True)
    assert drain(queue) == [Clause("a", "Hello there", 0, first=True), ContextFlushed("a")]
    queue.add("a", " and on", more=True, flush=True)
    queue.add("a", "", more=True, flush=True)
    queue.add("a", " to the end", more=False)
    assert drain(queue) == [
        Clause("a", " and on", 11, first=False),
        ContextFlushed("a"),
        ContextFlushed("a"),
        Clause("a", " to the end", 18, first=False),
        ContextOver("a"),
    ]


def test_flushes_without_end_are_too_much_text() -> None:
    queue = ContextQueue()
    for _ in range(MAX_WAITING_TEXT + 1):
        queue.add("a", "", more=True, flush=True)
    [over] = drain(queue)
    assert isinstance(over, ContextOver)
    assert isinstance(over.failure, InputError)


def test_a_context_has_the_speed_of_its_first_text() -> None:
    queue = ContextQueue()
    queue.add("a", "One.", more=True, speed=1.5)
    queue.add("a", " Two.", more=False, speed=0.7)
    queue.add("b", "Three.", more=False)
    assert [step.speed for step in drain(queue) if isinstance(step, Clause)] == [1.5, 1.5, None]


def test_a_cancelled_context_tells_what_it_received() -> None:
    queue = ContextQueue()
    queue.add("a", "One. Two. Thr", more=True, flush=True)
    queue.add("a", "ee and fo", more=True)
    assert isinstance(queue.next(), Clause)
    queue.cancel("a")
    assert drain(queue) == [ContextOver("a", cancelled=True, text=Text("One. Two. Three and fo", 0))]


def test_of_a_context_without_end_only_the_last_of_its_text_is_remembered() -> None:
    queue = ContextQueue()
    for _ in range(3):
        queue.add("a", "word " * (MAX_WAITING_TEXT // 5 - 1), more=True, flush=True)
        drain(queue)
    queue.add("a", "the rest", more=True)
    queue.cancel("a")
    [over] = drain(queue)
    assert isinstance(over, ContextOver)
    assert over.text == Text("word " * (MAX_WAITING_TEXT // 5) + "the rest", 2 * MAX_WAITING_TEXT - 15)
