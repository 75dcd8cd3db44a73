"""Make the pools of names and streets that records are drawn from. Runs when the package is built, never in a pod.

It imports nothing of this package, so that the build needs Faker and the standard library only.
"""

import json
import unicodedata
from pathlib import Path
from typing import Final

from faker import Faker

SEED: Final = 20_250_101
POOLS_FILE: Final = Path(__file__).with_name("pools.json")

_DRAWS: Final = 4_000
_STREETS: Final = 2_000

# Faker's lists for Canada have neither apostrophes nor the commonest names of newer Canadians.
_MORE_LAST_NAMES: Final = {
    "en": [
        "O'Brien", "O'Connor", "O'Neill", "O'Reilly", "D'Angelo", "D'Souza", "MacDonald", "McIntyre",
        "Smith-Jones", "Nguyen", "Tran", "Li", "Wang", "Chen", "Zhang", "Wong", "Kim", "Singh", "Kaur",
        "Patel", "Gill", "Sandhu", "Khan", "Ahmed", "Ali", "Santos", "Reyes", "Kowalski", "Kovač", "Müller",
    ],
    "fr": [
        "D'Amours", "D'Aoust", "L'Heureux", "L'Écuyer", "L'Italien", "L'Espérance", "St-Amour",
        "Côté-Tremblay", "Roy-Bélanger", "Nguyen", "Benali", "Haddad", "Diallo", "Traoré", "Jean-Baptiste",
    ],
}  # fmt: skip
_ENGLISH_KINDS: Final = [
    "Street", "Avenue", "Road", "Drive", "Crescent", "Court", "Lane", "Boulevard", "Place", "Way", "Terrace",
]  # fmt: skip
_ENGLISH_STREETS: Final = [
    "Main Street", "King Street West", "Queen's Road", "St. George's Avenue", "King's Highway",
    "Prince Edward Drive", "Bishop's Mill Lane", "Lakeshore Boulevard East",
]  # fmt: skip
_FRENCH_KINDS: Final = [
    "rue", "rue", "rue", "avenue", "boulevard", "chemin", "montée", "rang", "place", "allée", "côte",
]  # fmt: skip
_FRENCH_STREETS: Final = [
    "rue de l'Église", "rue Principale", "chemin du Lac", "rue de l'Hôtel-de-Ville", "rang de l'Île",
    "avenue des Érables", "boulevard de l'Université", "côte de la Montagne", "rue Saint-Jean",
    "rue Sainte-Catherine Ouest", "chemin de la Côte-des-Neiges", "place d'Armes",
]  # fmt: skip


def _faker(locale: str) -> Faker:
    faker = Faker(locale)
    faker.seed_instance(SEED)
    return faker


def _normalize(names: set[str]) -> list[str]:
    """The names in NFC, sorted by code point, so that neither hash order nor locale shows in the file."""
    return sorted({unicodedata.normalize("NFC", name) for name in names})


def make_pools() -> dict[str, dict[str, list[str]]]:
    """The pools by language (`en`, `fr`): `first_names`, `last_names`, `streets`, each sorted and without repeats.

    The result depends on the version of Faker alone.
    """
    english, french = _faker("en_CA"), _faker("fr_CA")
    streets = {
        "en": {f"{english.last_name()} {english.random_element(_ENGLISH_KINDS)}" for _ in range(_STREETS)},
        "fr": {
            f"{french.random_element(_FRENCH_KINDS)} "
            f"{french.last_name() if french.boolean(60) else f'{french.first_name()}-{french.last_name()}'}"
            for _ in range(_STREETS)
        },
    }
    more_streets = {"en": _ENGLISH_STREETS, "fr": _FRENCH_STREETS}
    return {
        language: {
            "first_names": _normalize({faker.first_name() for _ in range(_DRAWS)}),
            "last_names": _normalize({faker.last_name() for _ in range(_DRAWS)} | set(_MORE_LAST_NAMES[language])),
            "streets": _normalize(streets[language] | set(more_streets[language])),
        }
        for language, faker in (("en", english), ("fr", french))
    }


def write_pools(path: Path = POOLS_FILE) -> None:
    """Write the pools as UTF-8 JSON, whole or not at all."""
    temporary_path = path.with_suffix(".tmp")
    temporary_path.write_text(json.dumps(make_pools(), ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    temporary_path.replace(path)


if __name__ == "__main__":
    write_pools()
