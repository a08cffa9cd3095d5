"""The page in Chromium against the whole server: real models, recorded speech for a microphone."""

from pathlib import Path

import pytest

from tests.bench_chromium import PageCall, page_call
from tests.conftest import require_peer
from tests.house import house
from tests.speech_data import Prompt, words_right
from tests.web.test_talk_whole import NO_UDP

pytestmark = [pytest.mark.models, pytest.mark.timing]

SAID = ("conf-now-recording", "check-number-dial-again")


async def test_what_is_said_is_understood_shown_and_answered_aloud(
    tmp_path: Path, models_dir: Path, prompts: list[Prompt]
) -> None:
    require_peer("chromium")
    said = [prompt for prompt in prompts if prompt.name in SAID]
    async with house(tmp_path, "--models-dir", str(models_dir)) as server:
        call = await page_call(server.url, said, tmp_path)
        assert "WebRTC" in call.connection
        assert len(call.waits) == len(said)
        assert all(wait is not None for wait in call.waits)
        check(said, call)
        call = await page_call(server.url, said[:1], tmp_path, NO_UDP)
        assert "WebSocket" in call.connection
        check(said[:1], call)


def check(said: list[Prompt], call: PageCall) -> None:
    """Every sentence was understood, stands on the page, and was heard back."""
    for prompt in said:
        for texts in (call.heard, call.caller, call.agent):
            assert any(words_right(prompt.text, text) > 0.8 for text in texts), texts
