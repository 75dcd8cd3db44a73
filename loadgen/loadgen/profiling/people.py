"""Columns that the client records have already, or that can be made from them, told by name and shape."""

import re
from typing import Final

from loadgen.profiling.proposals import ColumnValues, Proposal, words_of_name
from loadtest_model.records.geography import CITIES

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL: Final = re.compile(r"https?://\S+")
_OWN_PHONE: Final = re.compile(r"\+1-[0-9]{3}-[0-9]{3}-[0-9]{4}")
_PHONE: Final = re.compile(r"(\+?1[-. ]?)?(\(?)[0-9]{3}(\)?[-. ]?)[0-9]{3}([-. ]?)[0-9]{4}")
_POSTAL_CODE: Final = re.compile(r"[A-Z][0-9][A-Z] [0-9][A-Z][0-9]")
_WORDS: Final = re.compile(r"[^\W\d_][\w'.-]*( [^\W\d_][\w'.-]*)+")

_PROVINCES: Final = frozenset(city.province for city in CITIES)

_FIRST_NAMES: Final = ("firstname", "givenname", "forename", "fname", "vorname", "prenom", "prénom")
_LAST_NAMES: Final = ("lastname", "surname", "familyname", "lname", "nachname", "nomdefamille")
_FULL_NAMES: Final = ("name", "fullname", "contactname", "customername", "clientname", "personname", "contact")
_CITIES: Final = ("city", "town", "ville", "stadt", "ort")
_STREETS: Final = ("address", "street", "streetaddress", "addressline1", "address1", "adresse", "rue", "strasse")
_PHONE_NAMES: Final = ("phone", "telephone", "tel", "mobile", "cell", "fax", "téléphone", "telefon")
_COMPANIES: Final = ("company", "companyname", "employer", "organisation", "organization", "firm", "firma")
_JOBS: Final = ("job", "jobtitle", "position", "occupation", "profession")
_MOST_OF_THEM: Final = 0.8

_PROPOSALS: Final = {
    **dict.fromkeys(_FIRST_NAMES, Proposal(client="first_name")),
    **dict.fromkeys(_LAST_NAMES, Proposal(client="last_name")),
    **dict.fromkeys(_CITIES, Proposal(client="city")),
    **dict.fromkeys(_STREETS, Proposal(client="address")),
    **dict.fromkeys(_COMPANIES, Proposal({"kind": "faker", "provider": "company"})),
    **dict.fromkeys(_JOBS, Proposal({"kind": "faker", "provider": "job"})),
}
"""By the name of a column alone, its words joined."""


def propose_person(values: ColumnValues) -> Proposal | None:
    """A client column, or a text made from client columns; None if neither name nor shape is one of theirs."""
    name = "".join(words_of_name(values.name))
    if _all_match(_EMAIL, values):
        return Proposal(client="email")
    if _all_match(_URL, values):
        return Proposal({"kind": "template", "template": "https://example.com/{client_id:lower}"})
    if name in _PROPOSALS and not _has_codes(values):
        return _PROPOSALS[name]
    if name in _FULL_NAMES and _share_of(_WORDS, values) >= _MOST_OF_THEM:
        return Proposal({"kind": "template", "template": "{first_name} {last_name}"})
    return _propose_place_or_phone(values)


def _propose_place_or_phone(values: ColumnValues) -> Proposal | None:
    if _all_match(_POSTAL_CODE, values):
        return Proposal(client="postal_code")
    if _all_match(_OWN_PHONE, values):
        return Proposal(client="phone")
    words = words_of_name(values.name)
    if {"province", "state"} & set(words) and set(values.filled) <= _PROVINCES:
        return Proposal(client="province")
    if set(words) & set(_PHONE_NAMES) and _share_of(_PHONE, values) >= _MOST_OF_THEM:
        match = next(match for value in values.filled if (match := _PHONE.fullmatch(value)) is not None)
        country, opening, closing, hyphen = (part or "" for part in match.groups())
        # An area that validators know, and the exchange that is kept for fiction and inquiries.
        if not values.is_key:
            return Proposal({"kind": "pattern", "pattern": f"{country}{opening}416{closing}555{hyphen}####"})
        return Proposal(
            {"kind": "pattern", "pattern": f"{country}{opening}416{closing}5##{hyphen}####", "unique": True}
        )
    return None


def _has_codes(values: ColumnValues) -> bool:
    """Whether most values are numbers or keys, whatever the column is called."""
    return _share_of(re.compile(r"[0-9-]+"), values) > 1 - _MOST_OF_THEM


def _all_match(pattern: re.Pattern[str], values: ColumnValues) -> bool:
    return all(map(pattern.fullmatch, values.filled))


def _share_of(pattern: re.Pattern[str], values: ColumnValues) -> float:
    return sum(pattern.fullmatch(value) is not None for value in values.filled) / len(values.filled)
