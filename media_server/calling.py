"""Calls that we begin, as the registry and the dialplans see them: the gate of `api/twilio_outgoing.py`."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from media_server.api.twilio_outgoing import OutgoingCall
from media_server.call.chronicle import Direction
from media_server.call.registry import Registry, Reservation
from media_server.dialplan.loader import LoadedPlan, load_plan
from media_server.dialplan.modules import new_generation
from media_server.dialplan.reload import LivePlans
from media_server.dialplan.route_settings import Misfit, settings_of
from media_server.dialplan.router import LoadedRoute
from media_server.dialplan.routes import Incoming
from media_server.errors import ConfigError, NotFound, PeerError


class PlaceKeeper(Protocol):
    """Who keeps a place for a call of a route."""

    def __call__(
        self, route: LoadedRoute, *, provider_id: str, caller: str, called: str, direction: Direction, for_s: float
    ) -> Reservation:
        """Keep it.

        Raises:
            Overloaded: There is none, or we are not ready.
        """
        ...


class CallingGate:
    """Keeps places for them, under the same rules as for calls that come in."""

    def __init__(self, registry: Registry, plans: LivePlans, keep_place: PlaceKeeper, *, from_number: str) -> None:
        self._registry = registry
        self._plans = plans
        self._keep_place = keep_place
        self._from_number = from_number

    async def reserve(self, order: OutgoingCall, for_s: float) -> Reservation:
        """Keep a place.

        Raises:
            Overloaded: There is none, or we are not ready.
            NotFound: There is no such dialplan, or it is broken.
            PeerError: It does not take these settings.
        """
        caller = order.caller or self._from_number
        route = await self._route(order, caller)
        return self._keep_place(
            route, provider_id="", caller=caller, called=order.to, direction="outbound", for_s=for_s
        )

    async def _route(self, order: OutgoingCall, caller: str) -> LoadedRoute:
        router = self._plans.router
        if not order.dialplan:
            route = router.route(Incoming(order.to, caller, direction="outbound"))
        else:
            try:
                route = router.named(order.dialplan)
            except NotFound:
                route = await self._unrouted(order.dialplan)
        return replace(route, settings=_settings(route, order.settings)) if order.settings else route

    async def _unrouted(self, name: str) -> LoadedRoute:
        """A dialplan that no route leads to.

        Raises:
            NotFound: There is none of that name, or it is broken.
        """
        try:
            plan = await asyncio.to_thread(self._load, name)
        except ConfigError as error:
            raise NotFound(f"there is no dialplan {name!r} that can be run") from error
        return LoadedRoute(plan, name)

    def _load(self, name: str) -> LoadedPlan:
        with new_generation(self._plans.folders) as generation:
            return load_plan(name, self._plans.folders, generation)

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


def _settings(route: LoadedRoute, own: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return settings_of(route.plan.settings, own, route.settings)
    except Misfit as misfit:
        raise PeerError(f"settings.{'.'.join(map(str, misfit.place))}: {misfit.message}") from misfit
