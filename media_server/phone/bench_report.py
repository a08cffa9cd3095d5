"""What `media-server bench` prints. Pure."""

from collections.abc import Iterator

from media_server.phone.bench_figures import Figures, Spread


def report(figures: Figures) -> Iterator[str]:
    """The lines of a bench of calls."""
    yield _row("calls", f"{figures.calls}{_more(figures.refused, 'refused')}{_more(figures.failed, 'failed')}")
    if figures.refused:
        yield _row("refused after", _spread(figures.refusal))
    yield _row("turns", f"{figures.turns}, {figures.answered} answered{_understood(figures)}")
    yield _row("answered after", _spread(figures.answer))
    yield _row("gaps in answers", str(figures.gaps))
    yield _row("cut-ins", str(figures.cut_ins))
    if figures.interruptions:
        unheeded = _more(figures.not_stopped, "did not stop us") + _more(figures.ignored, "not answered")
        yield _row("interruptions", f"{figures.interruptions}{unheeded}")
        yield _row("silent after", _spread(figures.stop))
    if figures.noises:
        noises = f"{figures.noises}, {figures.hushed} silenced us for a moment"
        yield _row("noises", f"{noises}{_more(figures.false_barge_ins, 'taken for an interruption')}")
        yield _row("went on after", _spread(figures.resume))
    if figures.decodes_a_turn is not None:
        yield _row("decodes a turn", f"{figures.decodes_a_turn:.2f}")
    if figures.cpu_a_call_minute is not None:
        parts = ", ".join(f"{role} {each.cpu_s:.1f}" for role, each in figures.roles.items())
        yield _row("CPU seconds", f"{figures.cpu_a_call_minute:.1f} a call-minute   ({parts})")
        yield _row("memory", ", ".join(f"{role} {each.rss_mb:.0f} MB" for role, each in figures.roles.items()))
    if figures.unbalanced:
        yield _row("books", f"of {figures.unbalanced} calls do not balance")
    yield _row("our own clock", f"late by {figures.phone_lag_ms} ms at most")


def _row(name: str, value: str) -> str:
    return f"{name:<16} {value}"


def _more(count: int, what: str) -> str:
    return f", {count} {what}" if count else ""


def _understood(figures: Figures) -> str:
    if not figures.transcribed:
        return ""
    return f", {figures.understood} of {figures.transcribed} understood"


def _spread(spread: Spread) -> str:
    if spread.p50 is None:
        return "-"
    return f"p50 {spread.p50} ms   p95 {spread.p95}   p99 {spread.p99}   worst {spread.worst}"
