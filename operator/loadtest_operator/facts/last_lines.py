"""What the log that a container left as its termination message tells, in a sentence's length. Pure."""

from typing import Final

import msgspec

from loadtest_model.protocol.last_word import is_like_last_word
from loadtest_model.quantities import clip

LIMIT_BYTES: Final = 2_048
"""So much of a log's end, or its last 80 lines, is what a kubelet falls back to."""

LONGEST: Final = 300
_GRAVE_LEVELS: Final = frozenset({"warning", "error", "critical"})
_OWN_FIELDS: Final = frozenset({"time", "level", "event", "traceback"})


class _Line(msgspec.Struct):
    level: str = ""
    event: str = ""
    traceback: str = ""


def last_lines(message: str) -> str:
    """The last lines of warnings and above, whole, as many as fit into `LONGEST` characters.

    Lines of no log, such as an interpreter's or a container runtime's, count as grave; what is indented below them does
    not, nor does a line whose beginning was cut off.
    """
    grave_lines: list[str] = []
    room = LONGEST
    lines = message.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        torn = number == 0 and len(message.encode()) >= LIMIT_BYTES
        text = "" if torn else _grave_text(lines[number])
        if not text:
            continue
        if grave_lines and len(text) + 2 > room:
            break
        # Only a line that is too long by itself is cut.
        grave_lines.append(clip(text, room))
        room -= len(text) + 2
    return "; ".join(reversed(grave_lines))


def _grave_text(line: str) -> str:
    if line.startswith((" ", "\t", "Traceback (")) or is_like_last_word(line):
        return ""
    try:
        fields = msgspec.json.decode(line, type=dict[str, object])
        logged = msgspec.convert(fields, _Line)
    except (msgspec.DecodeError, msgspec.ValidationError):
        # Of a line of JSON that was cut the end is left.
        return "" if line.endswith("}") else " ".join(line.split())
    if logged.level not in _GRAVE_LEVELS:
        return ""
    further_fields = [f"{name}={value}" for name, value in fields.items() if name not in _OWN_FIELDS]
    exception_line = logged.traceback.strip().splitlines()[-1:]
    return " ".join([f"{logged.level}: {logged.event}", *further_fields, *exception_line])
