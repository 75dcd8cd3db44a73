"""Each text stands once in a status, whole. Another field that says the same refers to it."""

from typing import Final

SEE_MESSAGE: Final = "see status.message"


def refer_to(message: str, text: str) -> str:
    """The reference in place of a text that the message has in it; else the text."""
    return SEE_MESSAGE if len(text) > len(SEE_MESSAGE) and text.rstrip(".") in message else text


def resolve(text: str, message: str) -> str:
    """What a text of a status says, where it may refer to the message."""
    return message if text == SEE_MESSAGE else text
