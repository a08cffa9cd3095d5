"""The webhook: business logic elsewhere drives the call, over HTTP."""

import os

from media_server.dialplan import Call, Webhook, WebhookSettings

Settings = WebhookSettings
"""url, secret (or secret_env), deadline_s, fallback, speculative; all other settings are told to the url."""


async def webhook(call: Call) -> None:
    """Tell what happens on the call, and perform what is answered."""
    await Webhook.of(call.settings, os.environ).drive(call)
