"""What calls need: routes and dialplans, an address that a phone reaches, the account that calls us."""

from collections.abc import Iterator

from media_server.cli.doctor.finding import Finding, Patient
from media_server.cli.screen import shortened
from media_server.dialplan.folders import dialplan_folders
from media_server.dialplan.loading import load_within
from media_server.dialplan.router import Router


def dialplans(patient: Patient) -> Iterator[Finding]:
    """Whether everything loads, as at a start. What is broken is named with its file and line."""
    settings = patient.settings
    folders = dialplan_folders(settings.dialplans)
    router = load_within(lambda: Router.load(folders, settings.dialplan), folders)
    names = list(dict.fromkeys(route.plan.name for route in router.routes))
    count = len(router.routes) - 1
    where = shortened(settings.dialplans) if settings.dialplans else "the shipped ones"
    yield Finding(
        "ok",
        "dialplans",
        f"{count} route{'s'[: count != 1]} and a default lead to {', '.join(names)} ({where})",
    )


def public(patient: Patient) -> Iterator[Finding]:
    """Whether an address is set by which a phone's network reaches us."""
    url = patient.settings.public_url
    if url is None:
        yield Finding("FAIL", "public", "a phone cannot reach you: no public_url is set → --public-url https://…")
    elif not url.startswith("https://"):
        yield Finding("FAIL", "public", f"{url}: Twilio streams to wss:// only → a public_url with https://")
    else:
        yield Finding("ok", "public", f"{url} is what calls are told")


def twilio(patient: Patient) -> Iterator[Finding]:
    """Whether webhooks can be told from forgeries."""
    if patient.settings.twilio.auth_token is None:
        yield Finding("FAIL", "twilio", "TWILIO_AUTH_TOKEN is not set → set it, from the console of your account")
    else:
        yield Finding("ok", "twilio", "the auth token is set; webhooks and streams must be signed with it")
