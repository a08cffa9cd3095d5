"""For all tests."""

import asyncio

# On Python 3.11, pytest-asyncio asks for the current event loop before it sets its own; that makes one which nobody
# closes, and a ResourceWarning in whichever test runs when it is collected. Once a loop was set, even none, it does not.
asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def prompts(speech_data: None) -> list[Prompt]:  # noqa: ARG001 - skips where there are none
    """Recorded telephone prompts with their transcripts, by name."""
    return load_prompts()
