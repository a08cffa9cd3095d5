"""An agent behind a number, voice to voice: `uv run python -m tests.bench_agent_calls [CALLS [TURNS]]`.

The whole house with real models and recorded speech; a real HTTP server plays the language model (300 ms to its first
token, 60 tokens a second). The phones also speak into an answer now and then: what the record says was heard is held
against what was played, and against what the model is told in its next request. Times are at the caller's ear, from
the last voiced sample to the first voiced one of the answer; *ours* is without the model's time to its first sentence.
"""

import asyncio
import calendar
import random
import statistics
import sys
import tempfile
from pathlib import Path

import aiohttp

from media_server.phone.call_record import fetch_record
from media_server.phone.caller_script import CallerScript, Interjection
from media_server.phone.twilio_phone import TwilioPhone
from tests.house import house
from tests.peers.chat_server import Say, chat_server
from tests.speech_data import Prompt, load_prompts

FIRST_TOKEN_S, TOKEN_S = 0.3, 1 / 60
ANSWER = "We are open today. You can come by from nine to five, or call again whenever you like."
"""What is cut short is always the same."""
FIRST_SENTENCES = [
    f"We {verb} every {day}."
    for day in calendar.day_name
    for verb in ("work", "close", "open", "deliver", "cook", "bake")
]
"""All of four words, and none is said twice: what was said before would be there without being made."""
WORDS_OF_FIRST_SENTENCE = 4
MODEL_MS = 1000 * (FIRST_TOKEN_S + WORDS_OF_FIRST_SENTENCE * TOKEN_S)
SERVED = 2000


async def one(http: aiohttp.ClientSession, url: str, prompts: list[Prompt], delay_s: float) -> tuple[list[int], int]:
    """A call: the waits, and how many turns there were."""
    await asyncio.sleep(delay_s)
    phone = TwilioPhone(http, base_url=url)
    call = await phone.call(CallerScript([prompt.pcm for prompt in prompts], quiet_s=0.8), max_s=300)
    return call.measured().answered, len(prompts)


async def interrupted(http: aiohttp.ClientSession, url: str, prompts: list[Prompt]) -> list[tuple[str, str]]:
    """Answers that were cut: what was said, and what the record says was heard of it."""
    phone = TwilioPhone(http, base_url=url)
    others = [Interjection(prompt.pcm, 1.5, asks=True) for prompt in prompts[1::2]]
    call = await phone.call(CallerScript([prompt.pcm for prompt in prompts[::2]], interjections=others), max_s=300)
    record = await fetch_record(http, url, None, call.call_sid, print)
    assert record is not None
    return [
        (line.said or "", line.text) for line in record.transcript if line.who == "agent" and line.said != line.text
    ]


async def main(calls: int, turns: int) -> None:
    """Print the figures."""
    chance = random.Random(3)
    usable = [each for each in load_prompts() if each.single_sentence and each.reported and 1.5 < each.seconds < 5]
    answers = [Say(f"{first} Come by from nine to five, or call again whenever you like.") for first in FIRST_SENTENCES]
    chance.shuffle(answers)
    async with chat_server(first_token_s=FIRST_TOKEN_S, token_s=TOKEN_S) as model:
        with tempfile.TemporaryDirectory() as folder:
            options = ("--dialplan", "agent", "--llm", model.url, "--llm-model", "m")
            async with house(Path(folder) / "data", *options) as server, aiohttp.ClientSession() as http:
                every = [[chance.choice(usable) for _ in range(turns)] for _ in range(calls)]
                model.script[:] = answers * (1 + 2 * calls * turns // len(answers))
                done = await asyncio.gather(*(one(http, server.url, each, 1.1 * n) for n, each in enumerate(every)))
                model.script[:] = [Say(ANSWER)] * SERVED
                cut = await interrupted(http, server.url, [chance.choice(usable) for _ in range(8)])
    waits = sorted(wait for answered, _ in done for wait in answered)
    asked = sum(count for _, count in done)
    p95 = waits[int(0.95 * len(waits)) - 1]
    sys.stdout.write(f"{calls} calls, {asked} turns, {len(waits)} answered\n")
    sys.stdout.write(f"voice to voice  p50 {statistics.median(waits):.0f} ms   p95 {p95} ms   worst {waits[-1]} ms\n")
    sys.stdout.write(f"without the model's {MODEL_MS:.0f} ms  p50 {statistics.median(waits) - MODEL_MS:.0f} ms\n")
    told = [message["content"] for request in model.requests for message in request["messages"]]
    for said, heard in cut:
        known = not heard or any(heard.rstrip(".,") in str(content) for content in told)
        sys.stdout.write(f"cut: heard {heard!r}   of {said!r}   told to the model: {known}\n")


if __name__ == "__main__":
    asyncio.run(main(*(int(each) for each in (*sys.argv[1:], "1", "12")[:2])))
