"""The pools of names and streets, as the build made them."""

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_POOLS_FILE: Final = Path(__file__).with_name("pools.json")


@dataclass(frozen=True, slots=True)
class LanguagePools:
    """What records in one language are drawn from."""

    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    streets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of both languages."""

    english: LanguagePools
    french: LanguagePools


def load_pools(path: Path = _POOLS_FILE) -> Pools:
    """Read the pools file (about 130 kB).

    Raises FileNotFoundError, saying how to make the file, where the package runs from a tree that was not built.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} is missing; it is made when the package is built, or by `python -m loadgen.records.make_pools`"
        ) from error
    english, french = (
        LanguagePools(*(tuple(content[language][pool]) for pool in ("first_names", "last_names", "streets")))
        for language in ("en", "fr")
    )
    return Pools(english, french)


def mail_name(name: str, other_characters: str = "") -> str:
    """The name as the local part of an e-mail address may hold it: lower-case ASCII letters and digits.

    Characters of `other_characters` stay as well; they are ASCII.
    """
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in ascii_name.lower() if letter.isalnum() or letter in other_characters)
