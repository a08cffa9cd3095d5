"""For all tests."""

import asyncio
import os

import pytest

from tests.speech_data import PACKAGES, Prompt, available, load_prompts

# On Python 3.11, pytest-asyncio asks for the current event loop before it sets its own; that makes one which nobody
# closes, and a ResourceWarning in whichever test runs when it is collected. Not so once a loop was set, even none.
asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def speech_data() -> None:
    """Skips where there are no recorded prompts; fails with CI=true."""
    if available():
        return
    reason = f"recorded prompts are missing: apt-get install {PACKAGES}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def prompts(speech_data: None) -> list[Prompt]:  # noqa: ARG001 - skips where there are none
    """Recorded telephone prompts with their transcripts, by name."""
    return load_prompts()
