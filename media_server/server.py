"""The media role: the application, wired together."""

import contextlib
import time
from collections.abc import AsyncIterator

from aiohttp import web
from pydantic import SecretStr

from media_server.api.calls import Calls
from media_server.api.calls_out import calls_out_routes
from media_server.api.engine_streams import StreamRelay
from media_server.api.engines import EngineRelay
from media_server.api.hang_up import hang_up_routes
from media_server.api.inspection import Inspections
from media_server.api.pace import Pace
from media_server.api.page import PAGE_PATHS, SHARED_PATHS, TICKET_PATHS, page_routes
from media_server.api.recordings import recording_routes
from media_server.api.schema import schema_routes
from media_server.api.talk import talk_routes
from media_server.api.twilio import add_twilio
from media_server.api.twilio_outgoing import Outgoing
from media_server.api.web_files import web_folder, web_routes
from media_server.api.webrtc import WebRtcCalls
from media_server.calling import CallingGate
from media_server.config import Settings
from media_server.dialplan.folders import dialplan_folders
from media_server.dialplan.reload import LivePlans
from media_server.ice_servers import browser_ice_servers, ice_settings, links_of
from media_server.switchboard import Switchboard
from media_server.telemetry.cors import add_cors, origin_of
from media_server.telemetry.guard import OPEN_PATHS, guard_middleware
from media_server.telemetry.health import DRAIN, add_health_routes
from media_server.telemetry.problems import problem_middleware
from media_server.telemetry.tickets import Tickets
from media_server.transports.twilio import StreamLimits
from media_server.transports.twilio_rest import TwilioAccount, TwilioRest
from media_server.transports.webrtc import PeerLimits

MAX_BODY = 64 * 1024


def create_app(settings: Settings) -> web.Application:
    """The application of the media role.

    Raises:
        ConfigError: A route or a dialplan is broken.
    """
    folders = dialplan_folders(settings.dialplans)
    plans = LivePlans(folders, folders[:-1], settings.dialplan)
    key, tickets = _secret(settings.api_key), Tickets(now=time.monotonic)
    guard = guard_middleware(
        key,
        loopback_only=settings.open_to_all,
        # Without a key nobody elsewhere can have one, so the page is for this machine like the rest.
        open_paths=OPEN_PATHS if key is None else (*OPEN_PATHS, *PAGE_PATHS),
        tickets=tickets,
        ticket_paths=TICKET_PATHS,
    )
    app = web.Application(middlewares=[problem_middleware, guard], client_max_size=MAX_BODY)
    server = Switchboard(settings, plans)
    add_health_routes(app, server.report)
    app[DRAIN] = server.drain
    app.add_routes(server.stream.routes())
    app.add_routes(Calls(server.registry, server.archive).routes())
    app.add_routes(recording_routes(server.registry, server.archive))
    app.add_routes(Inspections(server.registry, server.archive).routes())
    app.add_routes(schema_routes())
    for relay in (EngineRelay(server.recogniser, server.voice), StreamRelay(server.recogniser, server.voice)):
        app.add_routes(relay.routes())
        app.on_shutdown.append(relay.shut_down)
    gate = CallingGate(server.registry, plans, server.keep_place, from_number=settings.twilio.from_number or "")
    _add_calling(app, server, gate, settings)
    app.cleanup_ctx.append(server.lifetime)
    app.on_shutdown.append(server.shut_down)  # before those who carry calls: it lets each end well
    _add_browser(app, server, tickets, settings)
    app.on_shutdown.append(server.stream.shut_down)
    return app


def _add_calling(app: web.Application, server: Switchboard, gate: CallingGate, settings: Settings) -> None:
    """Twilio's side, and the calls that we make by it."""
    twilio = settings.twilio
    # Without a token nobody knows whether it is Twilio that asks; what moves calls is not offered then.
    login = twilio.login if twilio.auth_token is not None else None
    rest = TwilioRest(TwilioAccount(*login, twilio.api_url)) if login is not None else None
    outgoing = Outgoing(
        gate,
        rest,
        Pace(twilio.calls_per_s, now=time.monotonic),
        public_base=settings.base_url if settings.public_url is not None else "",
        from_number=twilio.from_number or "",
        allowed=twilio.allowed_destinations,
    )
    add_twilio(
        app,
        server,
        public_base=settings.base_url,
        auth_token=_secret(twilio.auth_token),
        token_ttl_s=twilio.token_ttl_s,
        limits=StreamLimits(
            media_initial_s=twilio.media_timeout_initial_s,
            media_s=twilio.media_timeout_s,
            lead_s=twilio.lead_ms / 1000,
        ),
        rest=rest,
        outgoing=outgoing,
    )
    app.add_routes(calls_out_routes(outgoing, server.registry, now=time.monotonic))
    app.add_routes(hang_up_routes(server.registry, server.archive, cancel=outgoing.cancel))

    async def api(_app: web.Application) -> AsyncIterator[None]:
        async with rest or contextlib.nullcontext():
            yield
            await outgoing.cancel_all()

    app.cleanup_ctx.append(api)


def _add_browser(app: web.Application, server: Switchboard, tickets: Tickets, settings: Settings) -> None:
    """The page, and calls of browsers."""
    allowed = settings.web.allowed_origins
    own = () if settings.public_url is None else (origin_of(settings.public_url),)
    add_cors(app, allowed, SHARED_PATHS)
    app.add_routes(web_routes(web_folder()))
    app.add_routes(
        page_routes(
            lambda: server.router,
            tickets,
            auth=settings.api_key is not None,
            recording=settings.records_calls,
            ice_servers=lambda: browser_ice_servers(settings.webrtc),
        )
    )
    limits = PeerLimits(setup_s=settings.webrtc.setup_s, media_s=settings.webrtc.media_timeout_s)
    peers = WebRtcCalls(server, ice_settings(settings), limits, links_of(settings.webrtc))
    app.add_routes(peers.routes())
    app.on_shutdown.append(peers.shut_down)
    app.add_routes(talk_routes(server, allowed_origins=(*allowed, *own)))


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None
