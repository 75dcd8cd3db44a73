"""The code blocks of a guide, in their order: files to write, and commands to run."""

import re
from dataclasses import dataclass
from pathlib import Path

_ADDITION = "to be added to "


@dataclass(frozen=True)
class File:
    """A block that begins with a comment with its path."""

    path: str
    content: str


@dataclass(frozen=True)
class Addition:
    """A block that begins with a comment with the path of the file that it is to be added to."""

    path: str
    content: str


@dataclass(frozen=True)
class Command:
    """A line of a block of commands."""

    line: str


Step = File | Addition | Command


def steps_by_section(guide: Path) -> dict[str, list[Step]]:
    """The steps of each section of a guide, by its heading. Lines that continue a command are part of it."""
    sections = re.split(r"^## ", guide.read_text(), flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0]: _steps_of(section) for section in sections}


def _steps_of(section: str) -> list[Step]:
    steps: list[Step] = []
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
        if language in ("python", "yaml"):
            comment, _, content = text.partition("\n")
            path = comment.removeprefix("# ")
            is_addition = path.startswith(_ADDITION)
            steps.append(Addition(path.removeprefix(_ADDITION), content) if is_addition else File(path, content))
        else:
            steps += [Command(line) for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]
    return steps
