"""`Webhook`: business logic elsewhere, asked over HTTP, that answers with verbs.

Rules:
- An answer comes within the deadline and can be performed, or the declared fall-back is performed in its place: the
  call lives, whatever the receiver does. Why it was of no use is an event of the call, and a metric.
- A call has one request under way at a time, in order; its wait for that is part of the deadline.
- While an answer is awaited the caller hears that we work.
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from media_server.call.events import WebhookAsked
from media_server.dialplan.call import Call
from media_server.dialplan.twiml_verbs import parse_twiml_verbs
from media_server.dialplan.verb_slots import check_slots
from media_server.dialplan.verbs import RedirectVerb, Verbs, parse_verbs, validate_verbs
from media_server.dialplan.webhook_drive import Drive
from media_server.errors import ConfigError, HookError, HookTimeout, InvalidVerbs
from media_server.hooks.webhook import Endpoint, HookAnswer
from media_server.telemetry import metrics

log = structlog.get_logger(__name__)

DEADLINE_S = 3.0
FALLBACK: Final[tuple[dict[str, Any], ...]] = (
    {"verb": "say", "text": "I am sorry, that does not work just now. Please call again later.", "barge_in": False},
    {"verb": "hangup", "reason": "webhook_failed"},
)


class WebhookSettings(BaseModel):
    """The settings of a route whose calls a webhook drives; all others are told to it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    url: str
    secret: str | list[str] = ""
    secret_env: str = ""
    deadline_s: float = DEADLINE_S
    fallback: list[dict[str, Any]] = list(FALLBACK)
    speculative: bool = False


class Webhook:
    """A receiver. One can serve any number of calls."""

    def __init__(
        self,
        url: str,
        secret: str | Sequence[str],
        *,
        deadline_s: float = DEADLINE_S,
        fallback: Sequence[Any] = FALLBACK,
        speculative: bool = False,
    ) -> None:
        """Who is asked, and what is done where that is no use.

        Args:
            url: Where it is.
            secret: `whsec_` and base64, by which it knows that we ask; two while one replaces the other.
            deadline_s: How long an answer may take, 3 s at most.
            fallback: Verbs; a redirect is none of them.
            speculative: Ask already when a turn may be over (`"final": false`), for answers that only say something.

        Raises:
            ConfigError: Something does not fit.
        """
        self.endpoint = Endpoint(url, secret, deadline_s=deadline_s)
        try:
            self.fallback: Verbs = check_slots(validate_verbs(fallback))
        except InvalidVerbs as error:
            raise ConfigError(f"webhook: fallback: {error.message}") from None
        if any(isinstance(verb, RedirectVerb) for verb in self.fallback):
            raise ConfigError("webhook: fallback: a redirect is no fall-back")
        self.speculative = speculative
        self._turns: WeakKeyDictionary[Call, asyncio.Lock] = WeakKeyDictionary()

    @classmethod
    def of(cls, settings: Mapping[str, Any], environ: Mapping[str, str]) -> Self:
        """The webhook of a route's settings; `secret_env` names the variable with the secret.

        Raises:
            ConfigError: They do not fit.
        """
        try:
            found = WebhookSettings.model_validate(dict(settings))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ConfigError(f"webhook: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
        return cls(
            found.url,
            found.secret or environ.get(found.secret_env, "").split(),
            deadline_s=found.deadline_s,
            fallback=found.fallback,
            speculative=found.speculative,
        )

    async def drive(self, call: Call) -> None:
        """Let the receiver drive the call to its end: it is told what happens, and its answers are performed.

        Raises:
            CallEnded: The caller left.
        """
        told = {key: value for key, value in call.settings.items() if key not in WebhookSettings.model_fields}
        await Drive(self, call).run(told)

    async def ask(self, call: Call, kind: str, **data: Any) -> Verbs:
        """Ask what to do, for `call.run` to perform; the fall-back where there is no answer. `kind`: as "order.placed".

        Raises:
            CallEnded: The caller left.
        """
        verbs = await self.wait(call, self.request(call, kind, data))
        return self.fallback if verbs is None else verbs

    async def tell(self, call: Call, kind: str, **data: Any) -> None:
        """Say what happened. It is sent in its order, but nobody waits for it, and no answer is performed."""
        self.later(call, kind, data)
        await asyncio.sleep(0)  # its place among this call's requests is taken

    async def wait(self, call: Call, answer: Awaitable[Verbs | None]) -> Verbs | None:
        """Wait for an answer, while the caller hears that we work.

        Raises:
            CallEnded: The caller left.
        """
        async with call.working():
            return await call.conversation.alive(answer)

    async def request(
        self, call: Call, kind: str, data: Mapping[str, Any], *, url: str = "", deadline_s: float | None = None
    ) -> Verbs | None:
        """What the receiver wants; None where it gave nothing of use, and that is noted. `url`: another of its own."""
        with _noted(call, kind):
            return _read(await self._post(call, kind, data, url=url, deadline_s=deadline_s))
        return None

    def later(self, call: Call, kind: str, data: Mapping[str, Any], *, url: str = "") -> None:
        """As `tell`, for those who cannot wait at all."""
        if not call.http.client.later(self._told(call, kind, data, url)):
            metrics.WEBHOOKS.labels(outcome="left_out").inc()

    def failed(self, call: Call, kind: str, error: HookError) -> None:
        """Note that the receiver was no use, before it was even asked."""
        _note(call, kind, error, 0.0)

    async def _told(self, call: Call, kind: str, data: Mapping[str, Any], url: str) -> None:
        with _noted(call, kind):
            await self._post(call, kind, data, url=url)

    async def _post(
        self, call: Call, kind: str, data: Mapping[str, Any], *, url: str = "", deadline_s: float | None = None
    ) -> HookAnswer:
        facts = call.conversation.facts
        about = {
            "id": facts.id,
            "caller": facts.caller,
            "called": facts.called,
            "direction": facts.direction,
            "language": facts.language,
            "answered_by": facts.answered_by,
        }
        turn = self._turns.setdefault(call, asyncio.Lock())
        limit_s = self.endpoint.deadline_s if deadline_s is None else deadline_s
        async with asyncio.timeout(limit_s), turn:
            return await self.endpoint.post(
                call.http.client, kind, {"call": about, **data}, url=url, deadline_s=limit_s
            )


def _read(answer: HookAnswer) -> Verbs:
    match answer.kind:
        case "nothing":
            return ()
        case "json":
            return check_slots(parse_verbs(answer.body))
        case "xml":
            return check_slots(parse_twiml_verbs(answer.body))


@contextmanager
def _noted(call: Call, kind: str) -> Iterator[None]:
    """A request: what becomes of it is an event, a metric and, if it is no use, a line of the log. Ends its errors."""
    now = call.conversation.now
    began = now()
    failure: HookError | InvalidVerbs | None = None
    try:
        yield
    except TimeoutError:
        failure = HookTimeout("no answer in time")
    except (HookError, InvalidVerbs) as error:
        failure = error
    _note(call, kind, failure, now() - began)


def _note(call: Call, kind: str, failure: HookError | InvalidVerbs | None, seconds: float) -> None:
    reason = failure.reason if failure is not None else ""
    metrics.WEBHOOKS.labels(outcome=reason or "ok").inc()
    metrics.WEBHOOK_SECONDS.observe(seconds)
    call.conversation.chronicle.tell(WebhookAsked, ok=not reason, ms=round(1000 * seconds), reason=reason)
    if failure is not None:
        log.warning("webhook_of_no_use", call=call.id, type=kind, reason=reason, error=failure.message)
