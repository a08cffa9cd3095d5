"""How the forms that English writes with digits and signs are read: from their parts to words. Pure."""

import re
from functools import cache
from types import ModuleType

from engines.tts.numbers import cardinal, digits, ordinal, plural, year

MONTHS = {
    "January": 1, "February": 2, "March": 3, "April": 4, "May": 5, "June": 6, "July": 7, "August": 8, "September": 9,
    "October": 10, "November": 11, "December": 12, "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "Jun": 6, "Jul": 7, "Aug": 8,
    "Sept": 9, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
}  # fmt: skip
_MONTH_NAMES = tuple(MONTHS)[:12]

_DOLLAR, _POUND, _EURO = (
    ("dollar", "dollars", "cent", "cents"),
    ("pound", "pounds", "penny", "pence"),
    ("euro", "euros", "cent", "cents"),
)
CURRENCIES = {
    "$": _DOLLAR, "US$": _DOLLAR, "€": _EURO, "£": _POUND, "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}  # fmt: skip
CODES = {
    "USD": _DOLLAR, "EUR": _EURO, "GBP": _POUND, "JPY": CURRENCIES["¥"], "INR": CURRENCIES["₹"],
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
}  # fmt: skip
CURRENCIES |= {"C$": CODES["CAD"], "CA$": CODES["CAD"], "A$": CODES["AUD"], "AU$": CODES["AUD"]}
_MAGNITUDES = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion", "B": "billion"}

UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"), "mph": ("mile per hour", "miles per hour"),
    "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"), "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"),
    "km": ("kilometer", "kilometers"), "m": ("meter", "meters"), "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"), "mi": ("mile", "miles"), "ft": ("foot", "feet"),
    "m²": ("square meter", "square meters"), "m2": ("square meter", "square meters"),
    "l": ("liter", "liters"), "L": ("liter", "liters"), "ml": ("milliliter", "milliliters"),
    "ms": ("millisecond", "milliseconds"), "s": ("second", "seconds"), "sec": ("second", "seconds"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "h": ("hour", "hours"), "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"), "KB": ("kilobyte", "kilobytes"), "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"), "TB": ("terabyte", "terabytes"),
    "Mbps": ("megabit per second", "megabits per second"), "kW": ("kilowatt", "kilowatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "W": ("watt", "watts"), "V": ("volt", "volts"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"), "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "%": ("percent", "percent"), "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", "degrees"),
}  # fmt: skip

ABBREVIATIONS = {
    "dr": "Doctor", "mr": "Mister", "mrs": "Missus", "prof": "Professor", "vs": "versus", "etc": "et cetera",
    "e.g": "for example", "i.e": "that is", "approx": "approximately", "ext": "extension", "dept": "department",
    "ave": "Avenue", "blvd": "Boulevard", "jr": "Junior", "sr": "Senior", "st": "Street", "rd": "Road",
}  # fmt: skip

LABELS = {
    "ext": "extension", "apt": "apartment", "ref": "reference", "tel": "telephone", "fig": "figure", "p": "page",
}  # fmt: skip
"""In front of a number."""

_MAIL_SIGNS = {"@": "at", ".": "dot", "_": "underscore", "-": "dash", "+": "plus", "%": "percent"}
_PART = re.compile(r"[0-9]+|[A-Za-z]+|[@._%+-]")
_FRACTIONS = {2: "half", 4: "quarter"}
_MOST_PARTS = 10
_CENT_DIGITS = 2
_IPV4_PARTS = 4
_SHORT = 2
_NOON = 12
_LAST_MONTH, _LAST_DAY = 12, 31


def money(amount: str, magnitude: str, currency: str) -> str:
    """Money: "3.50", "", "$" as "three dollars and fifty cents"; "1.2", "million" as "… million dollars"."""
    one, many, cent, cents = CURRENCIES.get(currency) or CODES[currency]
    if magnitude:
        return f"{cardinal(amount)} {_MAGNITUDES.get(magnitude, magnitude)} {many}"
    whole, _, decimals = amount.partition(".")
    if len(decimals) != _CENT_DIGITS or not cents:
        return f"{cardinal(amount)} {one if amount == '1' else many}"
    parts = []
    if int(whole.replace(",", "")) or not int(decimals):
        parts.append(f"{cardinal(whole)} {one if whole == '1' else many}")
    if int(decimals):
        parts.append(f"{cardinal(str(int(decimals)))} {cent if int(decimals) == 1 else cents}")
    return " and ".join(parts)


def measure(amount: str, unit: str) -> str:
    """An amount of something: "5", "kg" as "five kilograms"."""
    return f"{cardinal(amount)} {UNITS[unit][amount != '1']}"


def clock(hour: str, minute: str, half: str) -> str:
    """A time: "10", "05", "" as "ten oh five"; "5", "", "p" as "five P M"."""
    if int(hour) == 0:
        hour, half = str(_NOON), half or "a"
    if int(minute or 0):
        after = (" oh " if minute.startswith("0") else " ") + cardinal(str(int(minute)))
    elif half:
        after = ""
    else:
        after = " o'clock" if int(hour) <= _NOON else " hundred"
    return f"{cardinal(str(int(hour)))}{after}" + (f" {half.upper()} M" if half else "")


def date(day: str, month: int, of_year: str, *, day_first: bool = False) -> str:
    """A date: "3", 3, "2026" as "March third, twenty twenty-six"; with the day first as "third of March, …"."""
    name, nth = _MONTH_NAMES[month - 1], ordinal(str(int(day)))
    said = f"{nth} of {name}" if day_first else f"{name} {nth}"
    return f"{said}, {year(of_year)}" if of_year else said


def numeric_date(first: str, second: str, of_year: str, separator: str) -> str:
    """With slashes the month first, as in the USA, unless it cannot be; with hyphens the day; with dots always."""
    day_first = separator == "." or int(first) > _LAST_MONTH or (separator == "-" and int(second) <= _LAST_MONTH)
    day, month = (first, second) if day_first else (second, first)
    if 1 <= int(month) <= _LAST_MONTH and 1 <= int(day) <= _LAST_DAY:
        return date(day, int(month), of_year)
    return phone(f"{first}-{second}-{of_year}") if separator == "-" else dotted(f"{first}.{second}.{of_year}")


def decade(century: str, tens: str) -> str:
    """Ten years: "19", "90" as "nineteen nineties"."""
    if tens == "00":
        return plural(year(century + tens)) if century else plural("hundred")
    return " ".join((*([cardinal(century)] if century else []), plural(cardinal(tens))))


def phone(number: str) -> str:
    """Digit by digit, in the groups it is written in; one without groups in those of its country."""
    groups = re.findall("[0-9]+", number)
    plus = number.lstrip("(").startswith("+")
    if plus and len(groups) == 1:
        groups = re.findall("[0-9]+", _grouped(number))
    elif len(groups) == 1:
        groups = _in_threes(groups[0])
    return ("plus " if plus else "") + ", ".join(digits(group) for group in groups)


def mail(address: str) -> str:
    """An address: "a.smith@example.com" as "a dot smith at example dot com"; host names likewise."""
    return " ".join(digits(part) if part.isdigit() else _MAIL_SIGNS.get(part, part) for part in _PART.findall(address))


def dotted(text: str) -> str:
    """A version ("2.10.3") or, of four parts, an address of the internet, which is read digit by digit."""
    parts = text.split(".")
    if len(parts) == _IPV4_PARTS:
        return " dot ".join(digits(part) for part in parts)
    return " point ".join(cardinal(part) for part in parts)


def fraction(whole: str, above: str, below: str) -> str:
    """A fraction: "1", "1", "2" as "one and a half"; what is none ("24/7") as two numbers."""
    parts = int(below)
    if not 1 < parts <= _MOST_PARTS or not 0 < int(above) < parts:
        return " ".join(cardinal(number) for number in (whole, above, below) if number)
    name = _FRACTIONS.get(parts) or ordinal(below)
    if whole and int(above) == 1:
        return f"{cardinal(whole)} and {'an' if name[0] in 'aeiou' else 'a'} {name}"
    said = f"{cardinal(above)} {name if int(above) == 1 else plural(name)}"
    return f"{cardinal(whole)} and {said}" if whole else said


def mixed(code: str) -> str:
    """Letters and digits in one word, as in codes: "B12" as "B twelve", "BA2490" as "BA two four nine zero"."""
    return " ".join(short(part) if part.isdigit() else part for part in re.findall("[A-Za-z]+|[0-9]+", code))


def short(number: str) -> str:
    """One or two digits as a number, more as digits."""
    return digits(number) if len(number) > _SHORT or number.startswith("0") else cardinal(number)


def _in_threes(number: str) -> list[str]:
    """Groups of three, the last of two to four."""
    cuts = range(3, len(number) - 1, 3)
    return [number[start:end] for start, end in zip([0, *cuts], [*cuts, len(number)], strict=True)]


def _grouped(number: str) -> str:
    """An international number with spaces; by Google's data on the world's numbers (lite: without places)."""
    library = _phonenumbers()
    try:
        return str(library.format_number(library.parse(number), library.PhoneNumberFormat.INTERNATIONAL))
    except library.NumberParseException:
        return " ".join(_in_threes(number[1:]))


@cache
def _phonenumbers() -> ModuleType:
    """Loaded with the first such number: 24 ms, measured."""
    import phonenumbers  # noqa: PLC0415 - see above

    return phonenumbers
