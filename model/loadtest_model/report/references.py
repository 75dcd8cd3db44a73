"""Each text stands once in a status, whole. Another field that says the same refers to it."""

from typing import Any, Final

SEE_MESSAGE: Final = "see status.message"


def refer_to(message: str, text: str, *, is_final: bool) -> str:
    """The reference in place of a text that the message has; else the text.

    A status that is final is not read again, so a part of the message may refer to the whole. Before, only a text that
    is the whole message does, because a reader has to get the same text back.
    """
    if len(text) <= len(SEE_MESSAGE):
        return text
    has_text = text.rstrip(".") in message if is_final else text == message
    return SEE_MESSAGE if has_text else text


def resolve(text: str, message: str) -> str:
    """What a text of a status says, where it may refer to the message."""
    return message if text == SEE_MESSAGE else text


def resolve_all(status: dict[str, Any]) -> dict[str, Any]:
    """A status as JSON, with every reference in it resolved."""
    message = status.get("message", "")

    def resolved(document: Any) -> Any:
        if isinstance(document, str):
            return resolve(document, message)
        if isinstance(document, dict):
            return {key: resolved(value) for key, value in document.items()}
        return [resolved(value) for value in document] if isinstance(document, list | tuple) else document

    return {key: resolved(value) for key, value in status.items()}
