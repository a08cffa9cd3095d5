"""What of a growing transcript can be trusted already. Pure."""


def stable_prefix(before: str, now: str) -> int:
    """How many characters of `now`, in whole words, the decode before agrees with."""
    words_before, words_now = before.split(), now.split()
    agreed = 0
    for left, right in zip(words_before, words_now, strict=False):
        if left != right:
            break
        agreed += 1
    return len(" ".join(words_now[:agreed]))
