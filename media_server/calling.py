"""Calls that we begin, as the registry and the dialplans see them: the gate of `api/twilio_outgoing.py`."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from media_server.api.twilio_outgoing import OutgoingCall
from media_server.call.conversation import Plan
from media_server.call.registry import Registry, Reservation
from media_server.dialplan.loader import LoadedPlan, load_plan
from media_server.errors import ConfigError, NotFound, Overloaded
from media_server.telemetry import metrics


class CallingGate:
    """Keeps places for them, under the same rules as for calls that come in."""

    def __init__(
        self,
        registry: Registry,
        folders: Sequence[Path],
        *,
        route: Callable[[str], LoadedPlan],
        plan_of: Callable[[LoadedPlan], Plan],
        check_load: Callable[[], None],
        from_number: str,
    ) -> None:
        self._registry = registry
        self._folders = folders
        self._route = route
        self._plan_of = plan_of
        self._check_load = check_load
        self._from_number = from_number

    async def reserve(self, order: OutgoingCall, for_s: float) -> Reservation:
        """Keep a place.

        Raises:
            Overloaded: There is none, or we are not ready.
            NotFound: There is no such dialplan, or it is broken.
        """
        loaded = await self._loaded(order.dialplan) if order.dialplan else self._route(order.to)
        try:
            self._check_load()
            return self._registry.reserve(
                provider_id="",
                transport="twilio",
                caller=order.caller or self._from_number,
                called=order.to,
                dialplan=loaded.name,
                plan=self._plan_of(loaded),
                settings=order.settings,
                direction="outbound",
                for_s=for_s,
            )
        except Overloaded as refusal:
            metrics.REFUSED.labels(reason=refusal.reason).inc()
            raise

    async def _loaded(self, name: str) -> LoadedPlan:
        try:
            return await asyncio.to_thread(load_plan, name, self._folders)
        except ConfigError as error:
            raise NotFound(f"there is no dialplan {name!r} that can be run") from error

    def call_id(self, place: Reservation) -> str:
        """The call's id."""
        return place.facts.id

    def ring(self, place: Reservation, call_sid: str = "") -> None:
        """It rings, or is about to."""
        self._registry.ring(place, call_sid)

    def answered(self, place: Reservation, call_sid: str, answered_by: str) -> Reservation:
        """It was answered."""
        return self._registry.answered(place, provider_id=call_sid, answered_by=answered_by)

    def give_up(self, place: Reservation, reason: str) -> None:
        """It never came about."""
        self._registry.give_up(place, reason)
