"""Canadian cities with the postal prefixes and telephone area codes that serve them.

Which area codes serve which province follows the Canadian Numbering Administrator's codes in service, checked by
province and place against lists published in 2026; the first letters of postal codes are those of Statistics Canada's
table of first characters by province. Populations (in thousands) and shares of French as first official language are
those of the census of 2021, rounded; they are weights, not facts to rely on.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Locale(StrEnum):
    """Whose names and addresses: those of people as they live in Canada, or of one language."""

    MIXED = "mixed"
    ENGLISH = "en_CA"
    FRENCH = "fr_CA"


POSTAL_LETTERS: Final = "ABCEGHJKLMNPRSTVWXYZ"
"""The letters that a Canadian postal code may hold (Canada Post: no D, F, I, O, Q, U; no W, Z in front)."""


@dataclass(frozen=True, slots=True)
class City:
    """A city: its share of the records is its weight over the sum of all weights."""

    name: str
    province: str
    postal_prefixes: tuple[str, ...]
    area_codes: tuple[str, ...]
    weight: int
    french_percent: int


_LOWER_MAINLAND = "604 778 236 672"
_BC_INTERIOR = "250 778 236 672"
_ALBERTA_SOUTH = "403 587 825 368"
_ALBERTA_NORTH = "780 587 825 368"
_SASKATCHEWAN = "306 639 474"
_MANITOBA = "204 431 584"
_GREATER_TORONTO = "905 289 365 742"
_ONTARIO_SOUTHWEST = "519 226 548"
_ONTARIO_EAST = "613 343 753"
_ONTARIO_NORTHEAST = "705 249 683"
_AROUND_MONTREAL = "450 579 354"
_QUEBEC_EAST = "418 581 367"
_QUEBEC_WEST = "819 873 468"
_NEW_BRUNSWICK = "506 428"
_NOVA_SCOTIA_AND_PEI = "902 782"

_TABLE: Final = (
    ("Vancouver", "BC", "V5K V5L V5T V6B V6E V6K V6R", _LOWER_MAINLAND, 662, 2),
    ("Surrey", "BC", "V3R V3S V3T V3W V4A", _LOWER_MAINLAND, 568, 1),
    ("Burnaby", "BC", "V5A V5B V5C V5E V5G V5H", _LOWER_MAINLAND, 249, 1),
    ("Richmond", "BC", "V6X V6Y V7A V7C V7E", _LOWER_MAINLAND, 210, 1),
    ("Victoria", "BC", "V8R V8S V8T V8V V8W", _BC_INTERIOR, 92, 2),
    ("Kelowna", "BC", "V1P V1V V1W V1X V1Y", _BC_INTERIOR, 145, 2),
    ("Nanaimo", "BC", "V9R V9S V9T", _BC_INTERIOR, 100, 1),
    ("Kamloops", "BC", "V2B V2C V2E", _BC_INTERIOR, 98, 1),
    ("Prince George", "BC", "V2K V2L V2M V2N", _BC_INTERIOR, 77, 1),
    ("Calgary", "AB", "T2A T2E T2N T2P T2R T3A T3B T3H", _ALBERTA_SOUTH, 1307, 2),
    ("Red Deer", "AB", "T4N T4P T4R", _ALBERTA_SOUTH, 101, 1),
    ("Lethbridge", "AB", "T1H T1J T1K", _ALBERTA_SOUTH, 98, 1),
    ("Edmonton", "AB", "T5A T5J T5K T6C T6E T6G T6H", _ALBERTA_NORTH, 1011, 2),
    ("Fort McMurray", "AB", "T9H T9J T9K", _ALBERTA_NORTH, 68, 4),
    ("Saskatoon", "SK", "S7H S7J S7K S7L S7M S7N", _SASKATCHEWAN, 266, 1),
    ("Regina", "SK", "S4N S4P S4R S4S S4T", _SASKATCHEWAN, 226, 1),
    ("Prince Albert", "SK", "S6V S6W S6X", _SASKATCHEWAN, 38, 2),
    ("Winnipeg", "MB", "R2C R2H R2J R3B R3C R3L R3M R3T", _MANITOBA, 750, 4),
    ("Brandon", "MB", "R7A R7B R7C", _MANITOBA, 51, 1),
    ("Thompson", "MB", "R8N", _MANITOBA, 13, 1),
    ("Toronto", "ON", "M1B M2N M3C M4B M4C M4E M5A M5R M5V M6G M6K M9A", "416 647 437 942", 2794, 2),
    ("Ottawa", "ON", "K1N K1P K1S K1V K2A K2B K2G K2P", _ONTARIO_EAST, 1017, 15),
    ("Kingston", "ON", "K7K K7L K7M K7P", _ONTARIO_EAST, 132, 3),
    ("Mississauga", "ON", "L4Z L5A L5B L5M L5N", _GREATER_TORONTO, 718, 1),
    ("Brampton", "ON", "L6P L6R L6S L6V L6X L7A", _GREATER_TORONTO, 656, 1),
    ("Hamilton", "ON", "L8K L8N L8P L8S L9A L9C", _GREATER_TORONTO, 569, 2),
    ("Markham", "ON", "L3P L3R L6C L6E", _GREATER_TORONTO, 338, 1),
    ("Vaughan", "ON", "L4H L4J L4K L4L L6A", _GREATER_TORONTO, 323, 1),
    ("St. Catharines", "ON", "L2M L2N L2R L2S", _GREATER_TORONTO, 137, 2),
    ("London", "ON", "N5X N5Y N6A N6B N6C N6H", _ONTARIO_SOUTHWEST, 422, 1),
    ("Kitchener", "ON", "N2A N2B N2G N2H N2M", _ONTARIO_SOUTHWEST, 257, 1),
    ("Windsor", "ON", "N8X N8Y N9A N9B", _ONTARIO_SOUTHWEST, 230, 3),
    ("Guelph", "ON", "N1E N1G N1H", _ONTARIO_SOUTHWEST, 144, 1),
    ("Greater Sudbury", "ON", "P3A P3B P3C P3E", _ONTARIO_NORTHEAST, 166, 26),
    ("Barrie", "ON", "L4M L4N", _ONTARIO_NORTHEAST, 148, 2),
    ("Thunder Bay", "ON", "P7A P7B P7C P7E", "807", 109, 2),
    ("Montréal", "QC", "H1A H2J H2X H2Y H3A H3B H3H H4C H4E", "514 438 263", 1763, 64),
    ("Laval", "QC", "H7A H7G H7L H7N H7V", _AROUND_MONTREAL, 438, 76),
    ("Longueuil", "QC", "J4G J4H J4J J4K J4L", _AROUND_MONTREAL, 254, 83),
    ("Terrebonne", "QC", "J6W J6X J6Y", _AROUND_MONTREAL, 120, 94),
    ("Saint-Jean-sur-Richelieu", "QC", "J2W J2X J3A J3B", _AROUND_MONTREAL, 98, 96),
    ("Québec", "QC", "G1K G1R G1S G1V G2B", _QUEBEC_EAST, 549, 97),
    ("Lévis", "QC", "G6V G6W", _QUEBEC_EAST, 150, 98),
    ("Saguenay", "QC", "G7H G7J G7S G7X", _QUEBEC_EAST, 145, 98),
    ("Rimouski", "QC", "G5L G5M", _QUEBEC_EAST, 49, 99),
    ("L'Ancienne-Lorette", "QC", "G2E", _QUEBEC_EAST, 17, 98),
    ("Gatineau", "QC", "J8P J8T J8X J8Y J9A", _QUEBEC_WEST, 291, 77),
    ("Sherbrooke", "QC", "J1E J1G J1H J1J J1L", _QUEBEC_WEST, 173, 92),
    ("Trois-Rivières", "QC", "G8T G8Y G8Z G9A", _QUEBEC_WEST, 139, 97),
    ("Val-d'Or", "QC", "J9P", _QUEBEC_WEST, 33, 95),
    ("Moncton", "NB", "E1A E1C E1E E1G", _NEW_BRUNSWICK, 79, 31),
    ("Saint John", "NB", "E2H E2J E2K E2L E2M", _NEW_BRUNSWICK, 70, 4),
    ("Fredericton", "NB", "E3A E3B E3C", _NEW_BRUNSWICK, 63, 7),
    ("Edmundston", "NB", "E3V", _NEW_BRUNSWICK, 16, 93),
    ("Halifax", "NS", "B3H B3J B3K B3L B3M", _NOVA_SCOTIA_AND_PEI, 439, 3),
    ("Sydney", "NS", "B1N B1P B1S", _NOVA_SCOTIA_AND_PEI, 31, 1),
    ("Truro", "NS", "B2N", _NOVA_SCOTIA_AND_PEI, 13, 1),
    ("Charlottetown", "PE", "C1A C1C C1E", _NOVA_SCOTIA_AND_PEI, 39, 3),
    ("Summerside", "PE", "C1N", _NOVA_SCOTIA_AND_PEI, 16, 8),
    ("St. John's", "NL", "A1A A1B A1C A1E", "709", 110, 1),
    ("Corner Brook", "NL", "A2H", "709", 20, 1),
    ("Gander", "NL", "A1V", "709", 12, 1),
    ("Whitehorse", "YT", "Y1A", "867", 28, 5),
    ("Yellowknife", "NT", "X1A", "867", 20, 4),
    ("Hay River", "NT", "X0E", "867", 3, 2),
    ("Iqaluit", "NU", "X0A", "867", 7, 6),
    ("Rankin Inlet", "NU", "X0C", "867", 3, 1),
)

CITIES: Final = tuple(
    City(name, province, tuple(prefixes.split()), tuple(codes.split()), weight, french_percent)
    for name, province, prefixes, codes, weight, french_percent in _TABLE
)
"""Every city that a record may name; all thirteen provinces and territories occur."""

AREA_CODES: Final = tuple(sorted({code for city in CITIES for code in city.area_codes}))
"""Every area code that a record may hold, in ascending order."""


def city_weights(locale: Locale) -> list[int]:
    """The weight of each city in CITIES. In one language a city weighs as much as it has speakers of it."""
    if locale == Locale.MIXED:
        return [city.weight for city in CITIES]
    return [
        city.weight * (city.french_percent if locale == Locale.FRENCH else 100 - city.french_percent) for city in CITIES
    ]


def area_code_shares(locale: Locale = Locale.MIXED) -> dict[str, float]:
    """The share of all records whose phone has the area code, by area code; the shares sum to 1."""
    shares = dict.fromkeys(AREA_CODES, 0.0)
    weights = city_weights(locale)
    total = sum(weights)
    for city, weight in zip(CITIES, weights, strict=True):
        for code in city.area_codes:
            shares[code] += weight / total / len(city.area_codes)
    return shares
