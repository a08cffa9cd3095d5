"""Signed requests to business logic elsewhere, as Standard Webhooks has them: one `Endpoint` a receiver.

A body is `{"type", "timestamp", "data"}`; the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` prove
whence and when it came. With two secrets (while one replaces the other) it has two signatures. What is answered is
looked at here only as far as HTTP goes: its status, its kind, its size.
"""

import asyncio
import binascii
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic_core import PydanticSerializationError, to_json
from standardwebhooks.webhooks import EmptyWebhookSecretError
from standardwebhooks.webhooks import Webhook as Signer
from yarl import URL

from media_server.errors import BadAnswer, ConfigError, HookError, HookForbidden
from media_server.hooks.http import HookHttp, HttpAnswer, HttpRequest

MAX_DEADLINE_S = 3.0
MIN_DEADLINE_S = 0.1
MAX_ANSWER = 64 * 1024
MAX_BODY = 64 * 1024
MAX_SECRETS = 2
_XML = frozenset({"text/xml", "application/xml"})
_STATUS = {3: "redirect", 4: "client_error", 5: "server_error"}


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What a receiver wants; `nothing` has no body."""

    kind: Literal["json", "xml", "nothing"]
    body: bytes = b""


class Endpoint:
    """A receiver: where it is, and what it shares with us."""

    def __init__(self, url: str, secret: str | Sequence[str], *, deadline_s: float = MAX_DEADLINE_S) -> None:
        """`secret`: `whsec_` and base64, as Standard Webhooks writes it; two of them while one replaces the other.

        Raises:
            ConfigError: They are none, or the deadline is longer than a caller can wait.
        """
        shared = (secret,) if isinstance(secret, str) else tuple(secret)
        if not 0 < len(shared) <= MAX_SECRETS:
            raise ConfigError("webhook: one secret is wanted, or two while one replaces the other")
        if not MIN_DEADLINE_S <= deadline_s <= MAX_DEADLINE_S:
            raise ConfigError(f"webhook: deadline_s: from {MIN_DEADLINE_S:g} to {MAX_DEADLINE_S:g} seconds")
        try:
            self._signers = tuple(Signer(each) for each in shared)
        except (binascii.Error, EmptyWebhookSecretError, ValueError):
            raise ConfigError("webhook: the secret is none of Standard Webhooks (whsec_ and base64)") from None
        self._url = url
        self._deadline_s = deadline_s

    @property
    def deadline_s(self) -> float:
        """How long an answer may take, in seconds."""
        return self._deadline_s

    @property
    def url(self) -> str:
        """Where it is."""
        return self._url

    def beside(self, http: HookHttp, reference: str, *, current: str = "") -> str:
        """Another address that a receiver names, absolute or relative to the one that was asked last (`current`).

        Raises:
            HookForbidden: It is neither at the same origin nor a host that the operator's list names.
        """
        here = URL(self._url)
        try:
            there = http.guard.check_url(URL(current or self._url).join(URL(reference)))
        except ValueError:
            raise HookForbidden("no URL", reason="url") from None
        if there.origin() != here.origin() and not http.guard.names(there):
            raise HookForbidden("another host than the webhook's", reason="host")
        return str(there)

    async def post(
        self, http: HookHttp, kind: str, data: Mapping[str, Any], *, url: str = "", deadline_s: float | None = None
    ) -> HookAnswer:
        """Tell the receiver, and take its answer. A connection that was closed while idle is tried once more.

        `url`: another of its addresses; `deadline_s`: where less time than its own is left.

        Raises:
            HookError: There is no answer that could be used.
        """
        body = _serialize(kind, data)
        deadline_s = self._deadline_s if deadline_s is None else deadline_s
        request = HttpRequest(
            method="POST",
            url=http.guard.check_url(url or self._url),
            deadline_s=deadline_s,
            max_bytes=MAX_ANSWER,
            headers=self._headers(body),
            body=body.encode(),
        )
        clock = asyncio.get_running_loop().time
        until = clock() + deadline_s
        try:
            return _answer(await http.fetch(request))
        except HookError as error:
            if error.reason != "disconnected":
                raise
        return _answer(await http.fetch(replace(request, deadline_s=until - clock())))

    def _headers(self, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        number = f"msg_{secrets.token_urlsafe(18)}"
        return {
            "Content-Type": "application/json",
            "Accept": "application/json, application/xml, text/xml",
            "webhook-id": number,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signer.sign(number, now, body) for signer in self._signers),
        }


def _serialize(kind: str, data: Mapping[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        body = to_json({"type": kind, "timestamp": now, "data": data}, inf_nan_mode="null")
    except PydanticSerializationError:
        raise BadAnswer("what is to be sent cannot be written as JSON", reason="request") from None
    if len(body) > MAX_BODY:
        raise BadAnswer(f"what is to be sent is of more than {MAX_BODY} bytes", reason="request")
    return body.decode()


def _answer(answer: HttpAnswer) -> HookAnswer:
    if answer.status == 204:  # noqa: PLR2004
        return HookAnswer("nothing")
    if answer.status != 200:  # noqa: PLR2004
        raise BadAnswer(f"it answered {answer.status}", reason=_STATUS.get(answer.status // 100, "status"))
    if answer.content_type == "application/json":
        return HookAnswer("json", answer.body)
    if answer.content_type in _XML:
        return HookAnswer("xml", answer.body)
    raise BadAnswer("it is neither JSON nor TwiML", reason="content_type")
