"""Make the model's list of Faker's providers, so that a wrong name is refused without Faker. Run after its upgrade."""

import datetime
import decimal
import inspect
import logging
from pathlib import Path
from typing import Any, Final

from faker import Faker
from faker.providers import BaseProvider

from loadtest_model import records

PROVIDERS_FILE: Final = Path(records.__file__).with_name("providers.py")

_SCALARS: Final = (str, int, float, decimal.Decimal, datetime.date, datetime.time)
_USEFUL_BASE_PROVIDERS: Final = (
    "bothify", "hexify", "lexify", "numerify", "language_code", "random_digit", "random_element", "random_int",
    "random_letter", "random_lowercase_letter", "random_number", "random_uppercase_letter",
)  # fmt: skip
"""What a provider has from its base and is of use in a file."""

_EXCLUDED: Final = {
    # In domains that belong to somebody, and nobody is ever to be written to.
    "ascii_company_email", "ascii_free_email", "company_email", "free_email",
    # Not of the seed alone: they look at the clock, or at the machine.
    "credit_card_expire", "passport_dob", "passport_full", "passport_gender", "uuid1", "uuid7",
    # Whole files.
    "csv", "dsv", "fixed_width", "json", "psv", "tsv",
}  # fmt: skip
_CLOCK_MODULE: Final = "faker.providers.date_time"
"""The module of providers that count from today; the kinds date and datetime do not."""

_LOCALES: Final = ("en_CA", "fr_CA")


def find_providers() -> dict[str, tuple[str, ...]]:
    """The names of the arguments of every provider that gives one text, number or time in both languages, by name."""
    # Faker tells of each locale that one of its providers has no data for.
    logging.getLogger("faker").setLevel(logging.WARNING)
    english, french = (_providers_of_locale(locale) for locale in _LOCALES)
    return {name: english[name] for name in sorted(english.keys() & french.keys())}


def _providers_of_locale(locale: str) -> dict[str, tuple[str, ...]]:
    faker = Faker(locale)
    providers = {}
    for provider in faker.factories[0].get_providers():
        if type(provider).__module__.startswith(_CLOCK_MODULE):
            continue
        for name, method in inspect.getmembers(provider, inspect.isroutine):
            if name.startswith("_") or (hasattr(BaseProvider, name) and name not in _USEFUL_BASE_PROVIDERS):
                continue
            if name not in _EXCLUDED and _is_scalar(faker, name):
                providers[name] = tuple(
                    parameter.name
                    for parameter in inspect.signature(method).parameters.values()
                    if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
                )
    return providers


def _is_scalar(faker: Faker, name: str) -> bool:
    faker.seed_instance(1)
    try:
        sample: Any = getattr(faker, name)()
    except Exception:  # A provider that fails without arguments, in any way of its own, is left out.
        return False
    return isinstance(sample, _SCALARS)


def module_text(providers: dict[str, tuple[str, ...]]) -> str:
    """The module that holds the list."""
    lines = [
        f'    "{name}": ({" ".join(f"{chr(34)}{argument}{chr(34)}," for argument in arguments)}),'
        for name, arguments in providers.items()
    ]
    return "\n".join(
        [
            '"""The providers of Faker that a field may name, with the names of their arguments; generated."""',
            "",
            "from typing import Final",
            "",
            "# fmt: off",
            "PROVIDERS: Final[dict[str, tuple[str, ...]]] = {",
            *lines,
            "}",
            "",
        ]
    )


if __name__ == "__main__":
    PROVIDERS_FILE.write_text(module_text(find_providers()), encoding="utf-8")
