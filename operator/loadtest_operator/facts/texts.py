"""Texts that others wrote, made fit for one line of a log or a status."""


def escaped(text: str) -> str:
    """A text whose line ends, control characters and invisible ones are written as Python would write them."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
