"""Yes and no, as people say them. Pure.

A *plain* word ("yes", "no", "nope") outweighs a *polite* one ("right", "please", "sure"), which may be said of
something else. What says neither ("not sure", "I don't know") is in the table too, so that no part of it is read alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from media_server.dialplan.slots.words import Words, phrase_at, phrases_of, set_of


class Meaning(Enum):
    """What a phrase says: plainly or politely yes or no, or neither."""

    YES = "yes"
    NO = "no"
    POLITE_YES = "polite yes"
    POLITE_NO = "polite no"
    NEITHER = "neither"


_SAYS: Mapping[Meaning, str] = {
    Meaning.YES: """
yes, yeah, yep, yup, yea, ya, yah, aye, affirmative, uh huh, mhm, mm hmm, mm hm, mmhmm, hell yes, you bet, i do, i am,
i would, i will, i think so, i guess so, i believe so, i suppose so, why not, no problem, no problems, no worries,
no objection, of course, for sure, sure thing, by all means
""",
    Meaning.NO: """
no, nope, nah, naw, nay, negative, uh uh, nuh uh, no thanks, no thank you, no way, not really, not at all,
of course not,
certainly not, absolutely not, definitely not, i don't think so, i do not think so, i'd rather not, i would rather not,
i'm afraid not, not yet, not now, not today, not quite, not exactly, not correct, not right, not ok, not okay, not true,
that's not it, that is not it, that isn't it, i don't, i do not, i'm not, i am not, i won't, i will not, i wouldn't,
i can't, no it isn't, it's not, it is not, it isn't, they aren't, that's not, that is not, that isn't, please don't,
don't, do not, never, never mind, forget it
""",
    Meaning.POLITE_YES: """
sure, certainly, absolutely, definitely, correct, right, all right, alright, exactly, indeed, precisely, true, fine, ok,
okay, good, great, perfect, lovely, wonderful, please, please do, go ahead, go for it, do it, do that, sounds good,
sounds right, sounds great, that works, works for me, that'll do, that will do, it is, they are, that's it, that is it,
that's me, let's do it, agreed, okey dokey, very well, confirmed, i confirm
""",
    Meaning.POLITE_NO: "incorrect, wrong, false, not, neither, cancel, nothing, none, isn't, aren't, wasn't, doesn't",
    Meaning.NEITHER: """
not sure, i'm not sure, i am not sure, i don't know, i do not know, don't know, no idea, i have no idea, no one,
no more, no less, right now, right away, good morning, good afternoon, good evening, good question, good day,
yes and no, yes or no, is that right, are you sure, i'm sorry, can't hear, can't hear you, i can't hear you,
i don't understand,
don't understand, i didn't, didn't hear, it's not clear, please repeat, please wait, please hold, wait please, one
moment please, fine print, say that again please, repeat please, again please
""",
}
PHRASES: Mapping[tuple[str, ...], Meaning] = {
    tuple(phrase.split()): meaning for meaning, phrases in _SAYS.items() for phrase in phrases.split(",")
}
_BY_FIRST = phrases_of(PHRASES)
_NEGATING = set_of("not don't doesn't isn't aren't wasn't didn't can't won't wouldn't never hardly")
_REACH = 3
"""A word of denial turns round what is said so many words behind it: "that doesn't sound right"."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that was said."""

    meaning: Meaning
    start: int
    end: int

    @property
    def yes(self) -> bool:
        """Whether it says yes."""
        return self.meaning in (Meaning.YES, Meaning.POLITE_YES)

    @property
    def plain(self) -> bool:
        """Whether it can be nothing else."""
        return self.meaning in (Meaning.YES, Meaning.NO)


def phrases(words: Words) -> list[Phrase]:
    """All of them that say yes or no, in order; of those that begin at one word the longest."""
    found: list[Phrase] = []
    at, denied = 0, -_REACH - 1
    while at < len(words):
        one = phrase_at(words, at, _BY_FIRST)
        if one is None:
            if words[at].text in _NEGATING:
                denied = at
            at += 1
            continue
        meaning = PHRASES[one]
        if meaning is Meaning.POLITE_YES and at - denied <= _REACH:
            meaning = Meaning.NO
        if any(word in _NEGATING for word in one):
            denied = at + len(one) - 1
        if meaning is not Meaning.NEITHER:
            found.append(Phrase(meaning, at, at + len(one)))
        at += len(one)
    return found
