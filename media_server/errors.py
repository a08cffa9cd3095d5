"""Every error this server raises on purpose, in one tree.

::

    MediaServerError
    ├── ConfigError              the operator's settings do not fit (names the place)
    ├── StartFailed              a role could not be started
    ├── PeerError                the other side broke its protocol
    │   ├── ProtocolViolation    a message that the wire's rules forbid
    │   ├── Unauthorized         no or a wrong signature, key or token
    │   ├── Forbidden            not from there
    │   ├── TooLarge             more than is taken
    │   ├── UnsupportedMedia     of a kind that is not known
    │   ├── Undecodable          of a known kind, but broken
    │   ├── KeyReused            an Idempotency-Key that was another request's
    │   └── InvalidVerbs         a list of verbs that cannot be performed
    ├── Overloaded               no room; try again after `retry_after_s`
    │   └── TooMany              more at once than is done; try again
    ├── NotConfigured            the operator has not set what this needs
    ├── ProviderError            the telephone network's API does not answer, or not in time
    │   └── ProviderRefused      it will not do what it is asked for
    ├── EngineError              a speech engine refused, failed or is gone
    │   ├── EngineRefused        it will not do what it is asked for, also later
    │   └── EngineUnavailable    none of them answers
    ├── HookError                something over HTTP elsewhere was of no use (`reason`: a short word)
    │   ├── HookForbidden        the guard does not let that address be asked
    │   ├── HookUnreachable      nobody answers there
    │   ├── HookTimeout          the answer did not come in time
    │   └── BadAnswer            it came, and cannot be used
    ├── ModelError               a language model refused, failed or is gone
    │   ├── ModelRefused         it will not do what it is asked for, also later
    │   └── ModelUnavailable     it does not answer, is too busy or too late
    ├── ToolError                a tool of an agent's did not do its work; the model is told why
    ├── NotFound                 no such call, voice or route
    ├── Conflict                 not in the state that it is in now
    ├── RecordsUnavailable       the records of calls cannot be read or written just now
    ├── DeadlineExceeded         something of ours took too long
    ├── CallFailed               a fault of ours cut a call off
    ├── NoAnswer                 a question got no answer that fits, however often it was asked (for dialplans)
    └── CallEnded                the caller is gone (control flow for dialplans)

`code` is stable and part of the API; `retryable` says whether the same call may succeed later; `http_status` is what
the outside sees.
"""

from typing import ClassVar


class MediaServerError(Exception):
    """Root of the tree."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or self.code).strip().splitlines()[0])

    @property
    def message(self) -> str:
        """What to tell the other side."""
        return str(self)


class ConfigError(MediaServerError):
    """The settings do not fit."""

    code = "config"


class StartFailed(MediaServerError):
    """A role could not be started."""

    code = "start_failed"


class PeerError(MediaServerError):
    """The other side did something wrong."""

    code = "bad_request"
    http_status = 400


class ProtocolViolation(PeerError):
    """A message that the wire's rules forbid."""

    code = "protocol_violation"


class Unauthorized(PeerError):
    """No valid signature, key or token."""

    code = "unauthorized"
    http_status = 401


class Forbidden(PeerError):
    """This may not be done from there."""

    code = "forbidden"
    http_status = 403


class TooLarge(PeerError):
    """More than is taken."""

    code = "too_large"
    http_status = 413


class UnsupportedMedia(PeerError):
    """Of a kind that is not known."""

    code = "unsupported_media"
    http_status = 415


class Undecodable(PeerError):
    """Of a known kind, but broken."""

    code = "undecodable"
    http_status = 422


class KeyReused(PeerError):
    """This Idempotency-Key came with another request before."""

    code = "idempotency_key_reused"
    http_status = 422


class InvalidVerbs(PeerError):
    """A list of verbs that cannot be performed; the message names the place, never a value."""

    code = "invalid_verbs"
    http_status = 422

    def __init__(self, message: str = "", *, reason: str = "shape") -> None:
        """`reason`: one of a few words, for events and metrics."""
        super().__init__(message)
        self.reason = reason


class Overloaded(MediaServerError):
    """No room for another one right now."""

    code = "overloaded"
    retryable = True
    http_status = 503

    def __init__(self, message: str = "", *, retry_after_s: int = 5, reason: str = "full") -> None:
        """`reason`: one of a few words, for the metrics."""
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.reason = reason


class TooMany(Overloaded):
    """More of them at once than are done."""

    code = "too_many_requests"
    http_status = 429


class NotConfigured(MediaServerError):
    """The operator has not set what this needs; the message names it."""

    code = "not_configured"
    http_status = 501


class ProviderError(MediaServerError):
    """The telephone network's API does not answer."""

    code = "provider"
    retryable = True
    http_status = 502


class ProviderRefused(ProviderError):
    """The telephone network's API will not do what it is asked for."""

    code = "provider_refused"
    retryable = False


class EngineError(MediaServerError):
    """A speech engine refused, failed or went away."""

    code = "engine"
    retryable = True
    http_status = 502


class EngineRefused(EngineError):
    """A speech engine does not do what it is asked for, and asking again is no use."""

    code = "engine_refused"
    retryable = False


class EngineUnavailable(EngineError):
    """No speech engine answers."""

    code = "engine_unavailable"
    http_status = 503


class HookError(MediaServerError):
    """Something over HTTP elsewhere was of no use."""

    code = "hook"
    retryable = True
    http_status = 502

    def __init__(self, message: str = "", *, reason: str) -> None:
        """`reason`: one of a few words, for events and metrics."""
        super().__init__(message)
        self.reason = reason


class HookForbidden(HookError):
    """The guard does not let that address be asked."""

    code = "hook_forbidden"
    retryable = False


class HookUnreachable(HookError):
    """Nobody answers there, or the connection broke."""

    code = "hook_unreachable"


class HookTimeout(HookError):
    """The answer did not come in time."""

    code = "hook_timeout"
    http_status = 504

    def __init__(self, message: str = "", *, reason: str = "timeout") -> None:
        super().__init__(message, reason=reason)


class BadAnswer(HookError):
    """An answer came, and cannot be used."""

    code = "hook_bad_answer"
    retryable = False


class ModelError(MediaServerError):
    """A language model refused, failed or is gone."""

    code = "model"
    retryable = True
    http_status = 502


class ModelRefused(ModelError):
    """A language model does not do what it is asked for, and asking again is no use."""

    code = "model_refused"
    retryable = False


class ModelUnavailable(ModelError):
    """A language model does not answer, is too busy or too late."""

    code = "model_unavailable"
    http_status = 503

    def __init__(self, message: str = "", *, retry_after_s: float = 0.0) -> None:
        """`retry_after_s`: how long it wants to be left alone."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ToolError(MediaServerError):
    """A tool did not do its work. What it is raised with is told to the model, so it holds nothing secret."""

    code = "tool"


class NotFound(MediaServerError):
    """There is no such thing."""

    code = "not_found"
    http_status = 404


class Conflict(MediaServerError):
    """That cannot be done in the state that it is in now."""

    code = "conflict"
    http_status = 409


class RecordsUnavailable(MediaServerError):
    """The records of calls cannot be read or written just now."""

    code = "records_unavailable"
    retryable = True
    http_status = 503


class DeadlineExceeded(MediaServerError):
    """Something of ours took too long."""

    code = "deadline_exceeded"


class CallFailed(MediaServerError):
    """A fault of ours cut a call off."""

    code = "call_failed"


class NoAnswer(MediaServerError):
    """A question got no answer that fits, however often it was asked.

    Attributes:
        question: What was asked.
        reason: Why the last answer did not fit: silence, no_match, too_short, too_long, out_of_range, ambiguous.
    """

    code = "no_answer"

    def __init__(self, question: str = "", reason: str = "silence") -> None:
        super().__init__(f"no answer that fits: {reason}")
        self.question = question
        self.reason = reason


class CallEnded(MediaServerError):
    """The caller is gone; whatever the dialplan does next does not matter to them."""

    code = "call_ended"
