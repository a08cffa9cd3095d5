"""What questions want to know: one slot a file, all of them pure."""

from media_server.dialplan.slots.choice import Choice
from media_server.dialplan.slots.date import Date
from media_server.dialplan.slots.digits import Digits
from media_server.dialplan.slots.email import Email
from media_server.dialplan.slots.form import Form
from media_server.dialplan.slots.name import Name
from media_server.dialplan.slots.number import Number
from media_server.dialplan.slots.slot import Missing, Slot, Value
from media_server.dialplan.slots.spell import spell
from media_server.dialplan.slots.text import Text
from media_server.dialplan.slots.time import Time
from media_server.dialplan.slots.yes_no import YesNo

__all__ = [
    "Choice", "Date", "Digits", "Email", "Form", "Missing", "Name", "Number", "Slot", "Text", "Time", "Value",
    "YesNo", "spell",
]  # fmt: skip
