"""What an agent says that no model wrote."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentWords:
    """The fixed words. Another language wants others.

    Attributes:
        one_moment: When the model or a tool lets the caller wait: the first at first, then the others in turn.
        again: The model had nothing to say, twice.
        lost: It broke off in the middle of a sentence.
        goodbye: It ended the call without a word.
        limit: The time or the tokens of this call are spent.
    """

    one_moment: tuple[str, ...] = ("One moment.", "I am still on it.", "Just a little longer.")
    again: str = "Sorry, could you say that again?"
    lost: str = "I am sorry, I lost my thread."
    goodbye: str = "Goodbye."
    limit: str = "I am sorry, I have to end our conversation here."


WHEN_DOWN = "I am sorry, I cannot think just now."
"""What is said for a model that is down, unless the author has better words."""

ON_A_PHONE = (
    "You are speaking with a caller on a phone; what you write is spoken by a voice. Write as one speaks: short "
    "sentences, one or two at a time, no lists, no markdown, no emojis. An answer of yours that ends with a dash was "
    "interrupted there: the caller has not heard the rest. What the caller says comes from a speech recogniser, so "
    "expect misheard words. Call end_call when the caller is done, after you have said goodbye."
)
"""Stands behind the author's instructions."""
