"""What the caller of a test does, one thing after the other: says, interrupts, coughs, presses, hangs up."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from media_server.testing.mouth import Mouth
from media_server.testing.port import CallersPort

REACTION_S = 0.3
"""How long a polite caller lets the agent be silent before they speak."""
STARTS_S = 3.0
"""How long the agent may take to begin what is to be interrupted."""
COUGH_S = 0.4

Action = Callable[[], Awaitable[None]]


class Script:
    """The caller's actions. `run` is its task; `settled` says whether all was done."""

    def __init__(self, mouth: Mouth, port: CallersPort, speaks: Callable[[], None], news: asyncio.Event) -> None:
        """`speaks` is called when the caller's voice has begun or ended, `news` is set when something was done."""
        self._mouth = mouth
        self._port = port
        self._speaks = speaks
        self._done = news
        self._loop = asyncio.get_running_loop()
        self._actions: deque[Action] = deque()
        self._work = asyncio.Event()
        self._busy = False
        self._heard_more = asyncio.Event()
        self.keys: list[tuple[float, str]] = []
        """The keys, and when they were pressed."""
        self.complaint: str | None = None
        """What could not be done."""

    @property
    def settled(self) -> bool:
        """Nothing is left to be done."""
        return not self._busy and not self._actions

    def add(self, action: Action) -> None:
        """Do this, when all before it is done."""
        self._actions.append(action)
        self._work.set()

    def heard_more(self) -> None:
        """There is something new to hear."""
        self._heard_more.set()

    async def run(self) -> None:
        """Do what there is to do; ends by cancellation."""
        while True:
            while self._actions:
                self._busy = True
                await self._actions.popleft()()
                self._busy = False
                self._done.set()
            self._work.clear()
            await self._work.wait()

    # --- the actions ---------------------------------------------------------------------------------------------

    async def say(self, text: str, pause: float, then: str) -> None:
        """Once the agent is silent."""
        wanted_at = self._loop.time()
        while (wait := self._silent_at(wanted_at) - self._loop.time()) > 0:  # noqa: ASYNC110 - a time that may move
            await asyncio.sleep(wait)
        await self._speak(text, pause, then)

    async def interrupt(self, text: str) -> None:
        """While the agent speaks; where it is about to, when it does."""
        deadline = self._loop.time() + STARTS_S
        while not self._port.ear.sounds_at(self._loop.time()):
            left = deadline - self._loop.time()
            if left <= 0:
                self.complaint = self.complaint or f"interrupts({text!r}): the agent did not speak"
                return
            self._heard_more.clear()
            try:
                async with asyncio.timeout(left):
                    await self._heard_more.wait()
            except TimeoutError:
                pass
        await self._speak(text)

    async def mumble(self, text: str) -> None:
        """At once, whoever speaks."""
        await self._speak(text)

    async def cough(self) -> None:
        """At once."""
        stretch = self._mouth.sound(self._begin(), COUGH_S)
        await self._voice_until(stretch.ends)

    async def press(self, digits: str, gap_s: float) -> None:
        """At once, one after the other."""
        for number, digit in enumerate(digits):
            if number:
                await asyncio.sleep(gap_s)
            self.keys.append((self._loop.time(), digit))
            self._port.press(digit)

    async def hang_up(self) -> None:
        """At once."""
        self._port.hang_up()

    async def _speak(self, text: str, pause: float = 0.0, then: str = "") -> None:
        stretch = self._mouth.say(text, self._begin(), whole=not then)
        if then:
            self._mouth.hesitate(stretch.ends, stretch.ends + pause)
        await self._voice_until(stretch.ends)
        if then:
            await asyncio.sleep(pause)
            stretch = self._mouth.say(then, self._begin())
            await self._voice_until(stretch.ends)

    def _silent_at(self, wanted_at: float) -> float:
        """When the agent has been silent for long enough, as far as is known now."""
        return max(self._port.ear.silent_from, wanted_at) + REACTION_S

    def _begin(self) -> float:
        """The voice begins now."""
        self._port.hear()
        return self._loop.time()

    async def _voice_until(self, end: float) -> None:
        self._speaks()
        await asyncio.sleep(end - self._loop.time())
        self._port.hear()
        self._speaks()
