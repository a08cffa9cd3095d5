"""`/healthz` (alive), `/readyz` (may be given work), `/metrics` (Prometheus): the same for every role."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

Readiness: TypeAlias = Callable[[], tuple[bool, Mapping[str, object]]]
"""Whether there is work to be taken, and the details to show (JSON)."""


Progress: TypeAlias = Callable[[], float]

STUCK_FOR: web.AppKey[Progress] = web.AppKey("stuck_for")
"""How many seconds the oldest job of a role's engines has been running; a role without one has none that could hang."""

Drain: TypeAlias = Callable[[Callable[[int], None]], Awaitable[None]]

DRAIN: web.AppKey[Drain] = web.AppKey("drain")
"""Take nothing new, finish what there is; tells how many calls that are. A role without one has nothing to finish."""


def add_health_routes(app: web.Application, readiness: Readiness) -> None:
    """Add the three routes; `/readyz` answers 503 while `readiness` says no."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        ready, details = readiness()
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response({"ready": ready, **details}, status=status)

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", make_aiohttp_handler())
