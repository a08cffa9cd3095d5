"""What calls need: routes and dialplans, the account that calls us."""

from collections.abc import Iterator

from media_server.cli.doctor.finding import Finding, Patient
from media_server.cli.screen import shortened


def dialplans(patient: Patient) -> Iterator[Finding]:
    """Whether everything loads, as at a start. What is broken is named with its file and line."""
    # Imported here: the longest of all imports, and what was found before is shown already.
    from media_server.dialplan.folders import dialplan_folders  # noqa: PLC0415
    from media_server.dialplan.loading import load_within  # noqa: PLC0415
    from media_server.dialplan.router import Router  # noqa: PLC0415

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


def twilio(patient: Patient) -> Iterator[Finding]:
    """Whether webhooks can be told from forgeries."""
    if patient.settings.twilio.auth_token is None:
        yield Finding("FAIL", "twilio", "TWILIO_AUTH_TOKEN is not set → set it, from the console of your account")
    else:
        yield Finding("ok", "twilio", "the auth token is set; webhooks and streams must be signed with it")
